"""Whole months on the real platform, each with one thing that happens."""
