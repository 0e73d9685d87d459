"""What a theorem assumes and what it does not say, as far as its statement and its module tell."""

import re
from dataclasses import dataclass

from scanproof.lean.catalogue import Declaration


@dataclass(frozen=True)
class Remark:
    """A remark on all theorems that a pattern is found in.

    Attributes:
        pattern: a regular expression.
        assumes: what such a theorem assumes; empty where it adds nothing.
        not_said: what it leaves open; empty where it leaves no more.
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
        "LawfulScalar: the laws by which diagonal transitions combine, associativity among them. Exact "
        "arithmetic has them; floating point has not.",
        "It says nothing of rounding: in floating point the two sides may differ in the last digits.",
    ),
    Remark(
        _ALGEBRA,
        "The laws of the algebra named in brackets. Exact arithmetic has them; floating point has not.",
        "",
    ),
    Remark(rf"(?s)\A(?!.*Scanproof\.Rounding\b).*(?:{_ALGEBRA})", "", "It says nothing of rounding."),
    Remark(
        r"Scanproof\.Rounding\b",
        "The rounding model Rounding: each operation has a relative error of at most u, plus η where it "
        "underflows. The model is a hypothesis, and so is that nothing overflows.",
        "It does not say that a given machine, or its exp, meets the model.",
    ),
)
NO_LAWS = Remark(
    r"\[Scanproof\.Scalar ",
    "No law of arithmetic: it holds over any type with the operations, so of floating point, too.",
    "It does not say that other orders of evaluation give the same numbers.",
)
MODULES = (
    Remark(
        r"Spec\.Certificate\.",
        "",
        "It says what probes show where their numbers are exact. That a program's gradients are those of its "
        "outputs, and what holds at inputs that were not tried, it does not say.",
    ),
    Remark(
        r"Spec\.Oracle\b", "", "It does not say that compiled or interpreted code computes the definitions."
    ),
)
ALWAYS = (
    "It is about the Lean definitions that the statement names. That a PyTorch program computes them is "
    "measured on the inputs tried, and not proved."
)


@dataclass(frozen=True)
class Remarks:
    """What a theorem assumes, and what it does not say; a sentence each."""

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
