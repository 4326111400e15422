"""What other systems send: rows over HTTP and the CRM's events, by the contracts of imported files."""
