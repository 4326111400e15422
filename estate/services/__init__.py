"""What the CRM asks for; each service knows nothing of the others."""
