"""The domain: knows no Prefect, MLflow, Evidently or web framework."""
