"""The service `churn`: its model and its rules."""
