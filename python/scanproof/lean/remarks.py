"""The assumptions and the limits of a theorem, derived from its statement and its module."""

import re
from dataclasses import dataclass

from scanproof.lean.catalogue import Declaration


@dataclass(frozen=True)
class Remark:
    """A remark on all theorems that match a pattern.

    Attributes:
        pattern: a regular expression.
        assumes: what such a theorem assumes; empty if the remark adds no assumption.
        not_said: what such a theorem does not say; empty if the remark adds no limit.
    """

    pattern: str
    assumes: str
    not_said: str


_ALGEBRA = (
    r"\[Scanproof\.Comm(?:Semi)?[rR]ingScalar |\[(?:Lean\.Grind\.)?(?:Comm)?(?:Semi)?[rR]ing "
    r"|\[(?:Lean\.Grind\.)?Field "
)
STATEMENTS = (
    Remark(
        r"\[Scanproof\.LawfulScalar ",
        "LawfulScalar: the laws for combining diagonal transitions, such as associativity. Exact "
        "arithmetic satisfies these laws; floating point does not.",
        "The theorem says nothing about rounding: in floating point the two sides may differ in the last "
        "digits.",
    ),
    Remark(
        _ALGEBRA,
        "The laws of the algebra in brackets. Exact arithmetic satisfies them; floating point does not.",
        "",
    ),
    Remark(
        rf"(?s)\A(?!.*Scanproof\.Rounding\b).*(?:{_ALGEBRA})", "", "The theorem says nothing about rounding."
    ),
    Remark(
        r"Scanproof\.Rounding\b",
        "The rounding model Rounding: each operation has a relative error of at most u, plus η if it "
        "underflows. This model is a hypothesis. The absence of overflow is a hypothesis, too.",
        "The theorem does not say that a given machine, or its exp, meets the model.",
    ),
)
NO_LAWS = Remark(
    r"\[Scanproof\.Scalar ",
    "No law of arithmetic. The theorem holds over any type with the operations, also floating point.",
    "The theorem does not say that other orders of evaluation give the same numbers.",
)
MODULES = (
    Remark(
        r"Spec\.Certificate\.",
        "",
        "The theorem says what probes show if their numbers are exact. It does not say that the gradients of "
        "a program belong to its outputs, or what holds at inputs that were not tried.",
    ),
    Remark(
        r"Spec\.Oracle\b",
        "",
        "The theorem does not say that compiled or interpreted code computes the definitions.",
    ),
)
ALWAYS = (
    "The theorem is about the Lean definitions that its statement names. Checks measure, on the inputs "
    "tried, whether a PyTorch program computes these definitions; this is not proved."
)


@dataclass(frozen=True)
class Remarks:
    """The assumptions and the limits of a theorem, one sentence or two for each."""

    assumes: tuple[str, ...]
    not_said: tuple[str, ...]


def remarks(theorem: Declaration) -> Remarks:
    """Return the remarks that apply to a theorem."""
    found = [remark for remark in STATEMENTS if re.search(remark.pattern, theorem.statement)]
    if not found and re.search(NO_LAWS.pattern, theorem.statement):
        found = [NO_LAWS]
    found += [remark for remark in MODULES if re.match(remark.pattern, theorem.module)]
    return Remarks(
        tuple(remark.assumes for remark in found if remark.assumes),
        (*(remark.not_said for remark in found if remark.not_said), ALWAYS),
    )
