"""Every table and query of the platform's own database."""
