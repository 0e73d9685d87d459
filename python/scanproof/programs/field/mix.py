"""A pseudo-random function of residues, the same in Python and in Lean."""

from functools import cache

from torch import Tensor

WORD = (1 << 64) - 1


@cache
def _words(key: str) -> tuple[int, ...]:
    """Return four odd words: SplitMix64 from the FNV-1a hash of a key."""
    state = 0xCBF29CE484222325
    for byte in key.encode("ascii"):
        state = (state ^ byte) * 0x100000001B3 & WORD
    words = []
    for _ in range(4):
        state = state + 0x9E3779B97F4A7C15 & WORD
        word = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & WORD
        word = (word ^ word >> 27) * 0x94D049BB133111EB & WORD
        words.append((word ^ word >> 31) | 1)
    return tuple(words)


def mix(name: str, prime: int, values: Tensor) -> Tensor:
    """Return whole numbers from 0 to 2^62 - 1 that look random, the same for the same arguments.

    Args:
        name: a function, in ASCII.
        prime: the prime that the result is taken modulo.
        values: residues, int64, any shape.
    """
    for word in _words(f"{name} {prime}"):
        signed = word - (1 << 64) if word >> 63 else word
        values = (values + signed) * signed
        values = values ^ (values >> 29 & (1 << 35) - 1)
    return values & (1 << 62) - 1
