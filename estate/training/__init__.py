"""The steps of a training as plain functions."""
