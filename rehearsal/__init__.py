"""Months replayed in minutes: watch, governor, training, gate and promotion on a pretended present."""

from rehearsal.recording import Recording, Step, recorded
from rehearsal.rehearse import Plan, Rehearsal, rehearse

__all__ = ["Plan", "Recording", "Rehearsal", "Step", "recorded", "rehearse"]
