"""One check of one thing, as a row of a table."""

from dataclasses import dataclass

from scanproof.report.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Row:
    """One check of one thing.

    Attributes:
        subject: what was checked, for example ``"transformers MambaMixer"``.
        check: which check, for example ``"certificate"``.
        verdict: the outcome.
        evidence: the numbers behind it, in a few words.
        theorem: the Lean theorem that the verdict rests on.
    """

    subject: str
    check: str
    verdict: Verdict
    evidence: str
    theorem: str
