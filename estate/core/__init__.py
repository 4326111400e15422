"""Nouns of the ground floor: everything else may import them."""
