"""The service `property_matching`: which homes suit a lead, its models and its rules."""
