"""The table of rules that makes a verdict of what was measured: every rule decides somewhere."""

from math import inf
from typing import Any, NamedTuple

import pytest
import torch

from scanproof import Verdict
from scanproof.foundation.judgement import (
    CAUSALITY,
    INDEPENDENCE,
    RULES,
    STREAMING,
    Measured,
    Outcomes,
    Pieces,
    Rerun,
    judge,
)


def measured(low: float, high: float | str, *, unreached: tuple[str, ...] = (), **more: Any) -> Measured:
    """Return a residue in float32 and what the same probe leaves in float64, or why it does not run there."""
    rerun = high if isinstance(high, str) else Rerun(high, torch.float32, frozenset(unreached))
    return Measured(**{"outcomes": CAUSALITY, "residue": low, "rerun": lambda _: rerun, **more})


def measured_in_float64(low: float, high: float, **more: Any) -> Measured:
    """Return a residue in float64 and what the same probe leaves in float32."""
    runs = {
        torch.float32: Rerun(low, torch.float32, frozenset()),
        torch.float64: Rerun(high, torch.float64, frozenset()),
    }
    return Measured(
        outcomes=CAUSALITY, residue=high, dtype=torch.float64, rerun=lambda dtype: runs[dtype], **more
    )


def measured_once(**options: Any) -> Measured:
    """Return what was measured in the precision of the call; a second precision must not be asked for."""

    def rerun(dtype: torch.dtype) -> Rerun:
        pytest.fail(f"a second run in {dtype} was asked for")

    return Measured(outcomes=CAUSALITY, rerun=rerun, **options)


class Decided(NamedTuple):
    measured: Measured
    verdict: Verdict


STOPPED = "fn raised ValueError at position 7"
ROUNDS = (1e-5, 1e-14)
"""A residue that shrinks as rounding does."""

DECIDED: dict[str, tuple[Decided, ...]] = {
    "nothing to judge": (Decided(measured_once(residue=1.0, problem="fn(x) is zero"), Verdict.INCONCLUSIVE),),
    "ended early, no residue": (Decided(measured_once(stopped=STOPPED), Verdict.INCONCLUSIVE),),
    "exactly zero": (
        Decided(measured_once(exact="every bit is equal"), Verdict.CAUSAL),
        Decided(measured_once(share=0.0, tolerance=0.1), Verdict.CAUSAL),
    ),
    "within the tolerance": (
        Decided(measured_once(residue=0.1, share=0.1, tolerance=0.1, tolerated="small"), Verdict.TOLERATED),
    ),
    "not finite": (Decided(measured_once(residue=inf), Verdict.LEAK),),
    "one precision only": (
        Decided(measured(1e-3, "fn raised TypeError"), Verdict.INCONCLUSIVE),
        Decided(measured(0.1, "fn raised TypeError"), Verdict.LEAK),
    ),
    "pieces round to half precision": (
        Decided(
            measured(*ROUNDS, outcomes=STREAMING, pieces=lambda: Pieces("float16", 1e-5)), Verdict.DIVERGES
        ),
    ),
    "pieces round to half precision, unknown how far": (
        Decided(measured(*ROUNDS, pieces=lambda: Pieces("float16", "fn raised")), Verdict.INCONCLUSIVE),
    ),
    "ended early, rounding so far": (Decided(measured(*ROUNDS, stopped=STOPPED), Verdict.INCONCLUSIVE),),
    "rounding": (
        Decided(measured(*ROUNDS), Verdict.CAUSAL_TO_ROUNDING),
        Decided(measured(*ROUNDS, pieces=lambda: Pieces("float16", 1e-14)), Verdict.CAUSAL_TO_ROUNDING),
        Decided(measured(1e-5, 0.0, confirms_vanished=lambda: True), Verdict.CAUSAL_TO_ROUNDING),
        Decided(measured_in_float64(0.0, 1e-15, confirms_vanished=lambda: True), Verdict.CAUSAL_TO_ROUNDING),
    ),
    "an operation never ran in float64": (
        Decided(measured(1e-6, 1e-6, unreached=("scan",)), Verdict.INCONCLUSIVE),
    ),
    "a residue in float64 alone, not confirmed": (
        Decided(measured_in_float64(0.0, 1e-15), Verdict.INCONCLUSIVE),
    ),
    "only the length can cause it": (
        Decided(measured(1e-6, 1e-6, length_alone=lambda _: True), Verdict.INCONCLUSIVE),
    ),
    "as large as rounded tables": (Decided(measured(1e-6, 1e-7, tables=1e-6), Verdict.INCONCLUSIVE),),
    "mostly gone in float64, at a drawn input": (
        Decided(measured(1e-4, 1e-5, drawn=True), Verdict.INCONCLUSIVE),
        Decided(measured(0.1, 0.0, drawn=True), Verdict.INCONCLUSIVE),
    ),
    "information": (
        Decided(measured(1e-4, 1e-5), Verdict.LEAK),
        Decided(measured(1e-4, 1e-4, drawn=True), Verdict.LEAK),
        Decided(measured(1e-6, 1e-7, tables=1e-8), Verdict.LEAK),
    ),
    "gone in float64": (
        Decided(measured(1e-6, 0.0), Verdict.INCONCLUSIVE),
        Decided(measured(0.1, 0.0), Verdict.LEAK),
    ),
    "shrinks, and is large": (Decided(measured(1e-2, 1e-11), Verdict.INCONCLUSIVE),),
}


class TestTable:
    """Every rule decides at least one measurement, and which one is known."""

    def test_every_rule_has_a_name_of_its_own_and_measurements_that_it_decides(self) -> None:
        assert [rule.name for rule in RULES] == list(DECIDED)

    @pytest.mark.parametrize("name", DECIDED)
    def test_a_rule_is_the_first_that_holds_where_it_decides(self, name: str) -> None:
        for each in DECIDED[name]:
            assert next(rule.name for rule in RULES if rule.holds(each.measured)) == name

    @pytest.mark.parametrize("name", DECIDED)
    def test_a_rule_gives_the_verdict_that_is_expected_of_it(self, name: str) -> None:
        (rule,) = [rule for rule in RULES if rule.name == name]
        for each in DECIDED[name]:
            found = judge(each.measured)
            assert (found.verdict, found.reason) == (each.verdict, rule.reason(each.measured))
            assert (found.evidence is not None) == rule.two_precisions

    @pytest.mark.parametrize(
        ("outcomes", "exact", "rounding", "found"),
        [
            (CAUSALITY, Verdict.CAUSAL, Verdict.CAUSAL_TO_ROUNDING, Verdict.LEAK),
            (INDEPENDENCE, Verdict.INDEPENDENT, Verdict.INDEPENDENT_TO_ROUNDING, Verdict.LEAK),
            (STREAMING, Verdict.STREAMS, Verdict.STREAMS, Verdict.DIVERGES),
        ],
        ids=["causality", "independence", "streaming"],
    )
    def test_each_property_has_verdicts_of_its_own(
        self, outcomes: Outcomes, exact: Verdict, rounding: Verdict, found: Verdict
    ) -> None:
        verdicts = [
            judge(measured(low, high, outcomes=outcomes)).verdict
            for low, high in ((0.0, 0.0), ROUNDS, (1e-4, 1e-4))
        ]
        assert verdicts == [exact, rounding, found]

    def test_a_finding_says_what_ended_the_comparison_after_it(self) -> None:
        found = judge(measured(1e-4, 1e-4, stopped=STOPPED))
        assert found.verdict is Verdict.LEAK
        assert found.reason.endswith(f"; after that {STOPPED}")

    def test_pieces_that_keep_their_casts_are_the_evidence(self) -> None:
        found = judge(measured(*ROUNDS, outcomes=STREAMING, pieces=lambda: Pieces("float16", 1e-5)))
        assert found.evidence is not None
        assert (found.evidence.low, found.evidence.high) == (1e-5, 1e-5)

    def test_no_share_at_all_is_not_within_a_tolerance_of_zero(self) -> None:
        found = judge(measured(1e-300, 1e-300, share=0.0, scale=1e300))
        assert found.verdict is not Verdict.TOLERATED


class TestSizes:
    """Rounding and information, size by size; residues relative to a scale of 1."""

    @pytest.mark.parametrize(
        ("dtype", "residue", "float64", "coarsest", "verdict"),
        [
            (torch.float32, 1e-6, 1e-15, torch.float32, "CAUSAL_TO_ROUNDING"),
            (torch.float32, 1e-6, 1e-11, torch.float32, "LEAK"),
            (torch.float32, 1e-6, 1e-6, torch.float32, "LEAK"),
            (torch.float32, 1e-6, 0.0, torch.float32, "INCONCLUSIVE"),
            (torch.float32, 1e-1, 0.0, torch.float32, "LEAK"),
            (torch.float32, 1e-2, 1e-11, torch.float32, "INCONCLUSIVE"),
            (torch.float32, 1e-2, 1e-11, torch.bfloat16, "CAUSAL_TO_ROUNDING"),
            (torch.bfloat16, 1e-2, 1e-11, torch.float32, "CAUSAL_TO_ROUNDING"),
            (torch.float32, 1e-3, "it raised", torch.float32, "INCONCLUSIVE"),
            (torch.float32, 1e-1, "it raised", torch.float32, "LEAK"),
            (torch.float32, 1e-14, 2e-19, torch.float32, "CAUSAL_TO_ROUNDING"),
            (torch.float32, 2e-24, 5e-21, torch.float32, "CAUSAL_TO_ROUNDING"),
            (torch.float32, 2e-21, 5e-21, torch.float32, "CAUSAL_TO_ROUNDING"),
            (torch.float32, 5e-21, 5.01e-21, torch.float32, "LEAK"),
            (torch.bfloat16, 5e-21, 7e-21, torch.float32, "LEAK"),
            (torch.float32, 1e-10, 1e-14, torch.float32, "LEAK"),
            (torch.float32, 1e-5, 1e-16, torch.float32, "CAUSAL_TO_ROUNDING"),
            (torch.float32, 1e-5, 1e-15, torch.float32, "CAUSAL_TO_ROUNDING"),
            (torch.float32, 1e-5, 1e-10, torch.float32, "LEAK"),
        ],
    )
    def test_low_precision_given(
        self, dtype: torch.dtype, residue: float, float64: float | str, coarsest: torch.dtype, verdict: str
    ) -> None:
        other = float64 if isinstance(float64, str) else Rerun(float64, coarsest, frozenset())
        found = judge(Measured(outcomes=CAUSALITY, residue=residue, dtype=dtype, rerun=lambda _: other))
        assert found.verdict is Verdict[verdict], found.reason

    @pytest.mark.parametrize(
        ("float32", "float64", "confirmed", "verdict"),
        [
            (1e-6, 1e-15, False, "CAUSAL_TO_ROUNDING"),
            (1e-10, 1e-10, True, "LEAK"),
            (0.0, 1e-15, False, "INCONCLUSIVE"),
            (0.0, 1e-15, True, "CAUSAL_TO_ROUNDING"),
            (0.0, 1e-13, True, "LEAK"),
        ],
    )
    def test_float64_given(self, float32: float, float64: float, confirmed: bool, verdict: str) -> None:
        runs = {torch.float32: float32, torch.float64: float64}
        found = judge(
            Measured(
                outcomes=CAUSALITY,
                residue=float64,
                dtype=torch.float64,
                rerun=lambda dtype: Rerun(runs[dtype], torch.float32, frozenset()),
                confirms_vanished=lambda: confirmed,
            )
        )
        assert found.verdict is Verdict[verdict], found.reason
