"""Every leaky function of the zoo."""

from .batches import read_neighbour_example as read_neighbour_example
from .catalogue import FAMILIES
from .injected import with_pair_leak as with_pair_leak

FAULTS = [fault for family in FAMILIES.values() for fault in family.FAULTS]
