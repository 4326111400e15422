"""When and in what order: Prefect flows that only wire tasks together."""
