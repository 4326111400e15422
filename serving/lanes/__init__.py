"""Whose turn it is: questions wait for their model here, no longer than they can."""

from serving.lanes.desk import Desk
from serving.lanes.lane import Lane, TooLate
from serving.lanes.line import Overloaded
from serving.lanes.question import Priority, Question

__all__ = ["Desk", "Lane", "Overloaded", "Priority", "Question", "TooLate"]
