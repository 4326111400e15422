"""The service `call_conversion`: its model and its rules."""
