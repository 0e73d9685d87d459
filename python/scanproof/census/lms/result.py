"""What the census says of a causal language model, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Outcome = Literal["established", "no counterexample", "leak", "open", "not asked"]

OUTCOMES: Mapping[Outcome, str] = {
    "established": "reading: every input of the shape",
    "no counterexample": "not established by reading; the cuts found no counterexample at their inputs",
    "leak": "a counterexample: an output changes with a later token, or with another example",
    "open": "not established by reading, and the cuts did not decide",
    "not asked": "the model cannot be called so",
}
"""What an outcome rests on."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found of one way to call a model.

    Attributes:
        way: name of the way.
        outcome: a key of ``OUTCOMES``.
        reason: why it is not established, with operation, module and line; or why it was not asked.
        evidence: what the cuts say, a sentence a check; empty where reading decides.
        assumes: what the reading assumes, beside finite values.
        note: how the call departs from the others of its kind.
        operations: how many operations the program has.
        program: a program that shows a counterexample; empty without one.
    """

    way: str
    outcome: Outcome
    reason: str = ""
    evidence: tuple[str, ...] = ()
    assumes: tuple[str, ...] = ()
    note: str = ""
    operations: int = 0
    program: str = ""

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Found":
        """Read what ``dataclasses.asdict`` wrote, from JSON."""
        return cls(**{**plain, **{name: tuple(plain[name]) for name in ("evidence", "assumes")}})

    @property
    def steered(self) -> bool:
        """Whether the reading holds for inputs that take the path that was recorded."""
        return any(sentence.startswith("inputs take the path") for sentence in self.assumes)

    @property
    def enters(self) -> str:
        """Where what must not be read enters; the whole reason where that has no place."""
        return " ".join(part.partition(";")[0] for part in self.reason.split("enters by ")[1:]) or self.reason


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model type.

    Attributes:
        model_type: key in transformers' mapping of causal language models.
        transformers: version of transformers.
        torch: version of torch.
        scanproof: version of scanproof.
        code: hash of scanproof's code.
        seed: seed of weights, ids and checks.
        kind: class of the model; empty if it was not built.
        settings: arguments of the small config.
        found: what was found, a way each.
        problem: why it was not built, or not asked to the end; empty if all was asked.
        processor_seconds: CPU time.
    """

    model_type: str
    transformers: str
    torch: str
    scanproof: str
    code: str
    seed: int
    kind: str = ""
    settings: Mapping[str, Any] | None = None
    found: tuple[Found, ...] = ()
    problem: str = ""
    processor_seconds: float = 0.0

    @property
    def key(self) -> tuple[str, ...]:
        """What a row depends on: rows with the same key say the same."""
        return (self.model_type, self.transformers, self.torch, self.scanproof, self.code, str(self.seed))

    @property
    def outcomes(self) -> frozenset[Outcome]:
        """The outcomes of the ways that were asked about."""
        return frozenset(one.outcome for one in self.found if one.outcome != "not asked")

    @property
    def established(self) -> bool:
        """Whether reading establishes every way that the model can be called."""
        return not self.problem and self.outcomes == {"established"}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Row":
        """Read what ``dataclasses.asdict`` wrote, from JSON."""
        found = tuple(Found.from_dict(one) for one in plain["found"])
        return cls(**{**plain, "found": found})
