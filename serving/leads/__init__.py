"""What the sales desk asks about a lead: what models and rules say, put together."""
