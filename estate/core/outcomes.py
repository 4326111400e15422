"""What may become of a lead, and what ends its time on the desk."""

from __future__ import annotations

CLOSING = ("converted", "churned")
"""A lead with one of these is no longer open: nothing more is asked about it."""
QUALIFIED = "qualified"
"""The desk found that the lead can pay for what it looks for; it stays open."""
OUTCOMES = (*CLOSING, QUALIFIED)
