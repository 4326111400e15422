"""The script behind every number in the docs: ``python -m benchmarks``."""
