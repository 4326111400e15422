"""A seeded lead desk whose true probabilities are known."""

from estate.datasets.world.drift import Drift, DriftKind
from estate.datasets.world.simulate import Simulated, simulate
from estate.datasets.world.world import World
from estate.datasets.world.write import Written, simulate_into

__all__ = ["Drift", "DriftKind", "Simulated", "World", "Written", "simulate", "simulate_into"]
