"""What comes in over HTTP: rows, outcomes, and the CRM's events."""
