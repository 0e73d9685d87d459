"""Every leaky function of the zoo."""

from .catalogue import FAMILIES

FAULTS = [fault for family in FAMILIES.values() for fault in family.FAULTS]
