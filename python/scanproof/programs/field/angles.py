"""Cosines and sines: ``exp(ib)`` is a power whose exponent is ``b`` times a number that stands for ``i``.

``cos(b) = (exp(ib) + exp(-ib)) / 2`` and ``sin(b) = (exp(ib) - exp(-ib)) / 2i``, with a root of -1 modulo p.
The laws of sums of angles, of signs, and ``cos^2 + sin^2 = 1`` therefore hold exactly.
"""

from functools import cache

import torch

from scanproof.programs.field.mix import mix
from scanproof.programs.field.pair import Lost, Pair
from scanproof.programs.field.pairs import mixed
from scanproof.programs.field.primes import Primes
from scanproof.programs.field.residues import Side, number, powers, product

NESTED = "an angle within an exponent"


@cache
def _turn(primes: Primes) -> tuple[int, int]:
    """Return a root of -1 modulo p, and what stands for ``i`` in an exponent."""
    root = next(
        root
        for base in range(2, primes.p)
        if (root := pow(base, (primes.p - 1) // 4, primes.p)) ** 2 % primes.p == primes.p - 1
    )
    return root, int(mix("angle", primes.q, torch.ones((), dtype=torch.int64))) % primes.q


def cos_sin(angle: Pair, primes: Primes) -> tuple[Pair, Pair]:
    """Return the cosine and the sine of a tensor.

    The results have no exponents of their own: cosines and sines within an exponent stand for any function.
    """
    exponent = angle.exponent
    if isinstance(exponent, Side) and exponent.gone is not None:
        exponent = Lost("takes minus infinity")
    if isinstance(exponent, Lost):
        return Pair(exponent, exponent), Pair(exponent, exponent)
    p, q = primes.p, primes.q
    root, turn = _turn(primes)
    turned = product(exponent.values, torch.tensor(turn), q)
    degree = exponent.degree.renewed()
    there, back = (Side(p, powers(primes.w, each, p), degree) for each in (turned, -turned % q))
    cos = (there + back) * number(0.5, p)
    sin = (there - back) * Side(p, torch.tensor(pow(2 * root, -1, p)))
    within = angle.within | {NESTED}
    return (
        Pair(cos, mixed("cos", cos, q), angle.within, within),
        Pair(sin, mixed("sin", sin, q), angle.within, within),
    )
