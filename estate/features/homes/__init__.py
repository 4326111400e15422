"""Homes, what leads have looked at, and how one fits the other."""

from estate.features.homes.looks import LOOKS, Looks
from estate.features.homes.offers import Offers
from estate.features.homes.pairs import Pairs, Wishes, pairs_of

__all__ = ["LOOKS", "Looks", "Offers", "Pairs", "Wishes", "pairs_of"]
