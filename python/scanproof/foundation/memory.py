"""How many bytes a check may use at a time."""

from scanproof.errors import InvalidArgument

MEMORY_BUDGET = 2**26
"""Bytes that the rows of one backward pass may take together, unless the caller says otherwise."""


def check_memory_budget(check: str, memory_budget: object) -> None:
    """Reject a memory budget that is not a positive whole number.

    Raises:
        InvalidArgument: ``memory_budget`` is not a whole number >= 1.
    """
    if not (isinstance(memory_budget, int) and memory_budget >= 1):
        raise InvalidArgument(
            f"{check}: memory_budget must be a whole number of bytes >= 1, got {memory_budget!r}; 2**28 is "
            "256 MiB."
        )
