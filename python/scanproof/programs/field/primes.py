"""Two primes that fit together: residues modulo one of them are exponents for residues modulo the other.

If ``q`` divides ``p - 1``, there is a number ``w`` with ``w^q = 1`` modulo ``p``, and ``v -> w^v`` takes sums
modulo ``q`` to products modulo ``p``, as ``exp`` takes sums to products. The idea is that of Wu et al.,
Mirage (OSDI 2025). With ``p = 4 q + 1`` there also is a root of -1 modulo ``p``, as angles need it.
"""

from dataclasses import dataclass
from functools import cache
from random import Random

LEAST, BEYOND = 1 << 44, (1 << 45) - 1
"""Exponents are residues modulo a prime in this range. The other prime is below 2^47."""

BASES = (2, 3, 5, 7, 11, 13, 17)


@dataclass(frozen=True)
class Primes:
    """The two primes of a point.

    Attributes:
        p: values are residues modulo this prime.
        q: exponents are residues modulo this prime; ``4 q`` divides ``p - 1``.
        w: ``exp(1)``, a number of order ``q`` modulo ``p``.
    """

    p: int
    q: int
    w: int


@cache
def draw_primes(seed: int) -> Primes:
    """Return primes drawn with ``seed``."""
    random = Random(seed)
    while True:
        q = random.randrange(LEAST | 1, BEYOND, 2)
        if not is_prime(q):
            continue
        p = 4 * q + 1
        if is_prime(p):
            w = next(w for base in range(2, p) if (w := pow(base, 4, p)) != 1)
            return Primes(p, q, w)


def is_prime(n: int) -> bool:
    """Whether ``n`` is a prime, for 0 <= n < 3 * 10^14 (Miller-Rabin; these bases decide below that size)."""
    if n < 2:
        return False
    for base in BASES:
        if n % base == 0:
            return n == base
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_passes(base, odd, twos, n) for base in BASES)


def _passes(base: int, odd: int, twos: int, n: int) -> bool:
    power = pow(base, odd, n)
    if power in (1, n - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % n
        if power == n - 1:
            return True
    return False
