"""A recorded program as text for the Lean checker; the soundness of this checker is proved in Lean."""

from scanproof.programs.listing.text import listing

__all__ = ["listing"]
