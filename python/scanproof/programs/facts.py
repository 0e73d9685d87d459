"""Facts about an entry for every input: it is 0, 1, minus infinity, or far below all other entries.

Masks are constants, and masked entries are not read: 0 times a number is 0, minus infinity plus a number is
minus infinity, and both drop out of a sum or a softmax. This holds for finite numbers. A large negative
number in place of minus infinity also masks an entry, if its magnitude is large against the scores.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from scanproof.programs.compact import Array

ANY, ZERO, ONE, NINF, LOW = range(5)
"""Nothing known; 0 or false; 1 or true; minus infinity; at most -1e4 plus a score."""

FACTS = 5
EXACT = np.array([False, True, True, True, False])
"""Facts that fix the value, so that nothing is read."""

HIDDEN = np.array([False, False, False, True, True])
"""Facts that a softmax turns into 0."""

LOW_ENOUGH = {torch.float64: -1e5}
"""The greatest number that counts as masked in a softmax; -1e4 for dtypes that are not listed."""


def fact_of(number: Any, dtype: torch.dtype = torch.float32) -> int:
    """Return the fact about a number."""
    if number == 0:
        return ZERO
    if number == 1:
        return ONE
    if number == -np.inf:
        return NINF
    return LOW if number <= LOW_ENOUGH.get(dtype, -1e4) else ANY


def facts_of(tensor: Tensor) -> Array | None:
    """Return the facts about the entries of a constant; None if there are none."""
    if tensor.is_complex() or not tensor.numel():
        return None
    for dim, (stride, length) in enumerate(zip(tensor.stride(), tensor.shape, strict=True)):
        if stride == 0 and length > 1:
            tensor = tensor.narrow(dim, 0, 1)
    facts = (tensor == 0).to(torch.uint8)  # ZERO is 1
    facts += 2 * (tensor == 1).to(torch.uint8)
    if tensor.is_floating_point():
        facts += 4 * (tensor <= LOW_ENOUGH.get(tensor.dtype, -1e4)).to(torch.uint8)
        facts -= torch.isneginf(tensor).to(torch.uint8)
    array: Array = facts.cpu().numpy()
    return array if array.any() else None


def table(**known: int) -> Array:
    """Return the map from facts of an argument to facts of the result; ``ZERO=ONE`` maps 0 to 1."""
    names = {"ZERO": ZERO, "ONE": ONE, "NINF": NINF, "LOW": LOW}
    facts = np.zeros(FACTS, np.uint8)
    for name, fact in known.items():
        facts[names[name]] = fact
    return facts


def _binary(rules: dict[tuple[int, int], int], symmetric: bool) -> Array:
    facts = np.zeros((FACTS, FACTS), np.uint8)
    for (one, other), fact in rules.items():
        facts[one, other] = fact
        if symmetric:
            facts[other, one] = fact
    return facts


_ALL = (ANY, ZERO, ONE, NINF, LOW)
ADD = _binary(
    {(LOW, fact): LOW for fact in _ALL}
    | {(NINF, fact): NINF for fact in _ALL}
    | {(ZERO, fact): fact for fact in _ALL},
    symmetric=True,
)
SUB = _binary(
    {(fact, ZERO): fact for fact in _ALL}
    | {(LOW, ANY): LOW, (LOW, ONE): LOW, (NINF, ANY): NINF, (NINF, ONE): NINF, (ONE, ONE): ZERO},
    symmetric=False,
)
MUL = _binary(
    {(ONE, fact): fact for fact in _ALL} | {(ZERO, fact): ZERO for fact in (ANY, ZERO, ONE, LOW)},
    symmetric=True,
)
DIV = _binary({(fact, ONE): fact for fact in _ALL} | {(ZERO, ANY): ZERO, (ZERO, LOW): ZERO}, symmetric=False)
AND = _binary({(ONE, ONE): ONE} | {(ZERO, fact): ZERO for fact in _ALL}, symmetric=True)
OR = _binary({(ZERO, fact): fact for fact in _ALL} | {(ONE, fact): ONE for fact in _ALL}, symmetric=True)
XOR = _binary({(ZERO, fact): fact for fact in (ZERO, ONE)} | {(ONE, ONE): ZERO}, symmetric=True)
MAXIMUM = _binary(
    {(NINF, fact): fact for fact in _ALL}
    | {(fact, fact): fact for fact in _ALL}
    | {(ZERO, LOW): ZERO, (ONE, LOW): ONE},
    symmetric=True,
)
MINIMUM = _binary(
    {(NINF, fact): NINF for fact in _ALL}
    | {(fact, fact): fact for fact in _ALL}
    | {(LOW, fact): LOW for fact in (ANY, ZERO, ONE)},
    symmetric=True,
)
