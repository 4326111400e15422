"""The service `lead_scoring`: its model and its rules."""
