"""Every causal model of the zoo."""

from .catalogue import FAMILIES

MODELS = [model for family in FAMILIES.values() for model in family.MODELS]
