"""The script behind every number."""
