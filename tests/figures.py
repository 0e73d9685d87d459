"""Whether a program printed what a page shows: its words, and its figures as far as machines agree."""

import re

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
ROUNDING = 1e-5
"""Below this a figure is what rounding left, which differs more between CPUs."""


def same(shown: str, printed: str) -> bool:
    """Compare words and whole numbers exactly, and figures with a point or an exponent to a factor.

    The factor is 10, and 100 where both are below ``ROUNDING``; signs must agree, and zero is zero alone. No
    page shows how long something took; one that did would need a pattern of its own here.
    """
    return NUMBER.split(shown) == NUMBER.split(printed) and all(
        map(_near, NUMBER.findall(shown), NUMBER.findall(printed))
    )


def _near(shown: str, printed: str) -> bool:
    if shown.lstrip("-").isdigit() and printed.lstrip("-").isdigit():
        return shown == printed
    a, b = float(shown), float(printed)
    if a == 0 or b == 0:
        return a == b
    factor = 100 if max(abs(a), abs(b)) < ROUNDING else 10
    return 1 / factor < a / b < factor
