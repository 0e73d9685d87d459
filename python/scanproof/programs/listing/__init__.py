"""A recorded program as text, for the checker that is proved in Lean."""

from scanproof.programs.listing.text import listing

__all__ = ["listing"]
