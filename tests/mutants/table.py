"""Which mutants the bound refutes, what the exact answer is, and which pass tolerances: docs/mutants.md.

``python -m mutants.table`` in the folder ``tests`` writes the page anew.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import torch

from scanproof import Cases, RefinementReport, SelectiveScanFn, Verdict, check_refinement
from scanproof.refinement.strategies import scan_inputs, scan_shapes

from .catalogue import FAMILIES, MUTANTS, RIGHT
from .mutant import Mutant
from .practice import LENGTH, RATIO, TOLERANCES, passes_ratio, passes_tolerance
from .tiny import FAMILIES as TINY_FAMILIES
from .tiny import TINY, Tiny

PAGE = Path(__file__).parents[2] / "docs" / "mutants.md"

CASES, SEED = 200, 0
PASSES, CAUGHT = "passes", "caught"
COLUMNS = ("Mutant", "cases until REFUTED", "exact", "float32", "bfloat16", "ratio")
TINY_COLUMNS = ("Mutant", "exact", "verdict", "greatest error/bound")
INPUTS = 5
"""Inputs at which the bound looks at mutants that are wrong below rounding."""


@cache
def refinement(mutant: Mutant) -> RefinementReport:
    """Check a mutant, its gradients too if it is one of the backward pass."""
    return check_refinement(
        mutant.scan, SelectiveScanFn(), cases=drawn(CASES), seed=SEED, gradients=mutant.backward, shrink=False
    )


@cache
def exactly(mutant: Tiny) -> RefinementReport:
    """Check a mutant that is wrong below rounding, at one input."""
    return mutant.refinement(SEED, exact=True)


@cache
def bounded(mutant: Tiny) -> tuple[RefinementReport, ...]:
    """Look at such a mutant by the bound alone, at several inputs."""
    return tuple(mutant.refinement(seed, exact=False) for seed in range(INPUTS))


def drawn(count: int) -> Cases:
    """Return cases with and without groups."""
    return Cases(count=count, inputs=scan_inputs(scan_shapes(max_groups=2)))


@cache
def practice(mutant: Mutant) -> tuple[bool, bool, bool]:
    """Whether a mutant passes in float32, in bfloat16, and by the ratio."""
    return (
        passes_tolerance(mutant, torch.float32),
        passes_tolerance(mutant, torch.bfloat16),
        passes_ratio(mutant),
    )


def page() -> str:
    """Return the text of the page."""
    passed = [practice(mutant) for mutant in MUTANTS]
    answers = [refinement(mutant).exact.verdict for mutant in MUTANTS]
    tiny = [exactly(mutant) for mutant in TINY]
    return _TEXT.format(
        mutants=len(MUTANTS),
        backward=sum(mutant.backward for mutant in MUTANTS),
        refuted=sum(refinement(mutant).verdict is Verdict.REFUTED for mutant in MUTANTS),
        different=answers.count(Verdict.DIFFERENT),
        equal=answers.count(Verdict.EQUAL),
        tiny=len(TINY),
        tiny_different=sum(report.exact.verdict is Verdict.DIFFERENT for report in tiny),
        tiny_backward=sum(mutant.gradients for mutant in TINY),
        found=sum(report.verdict is Verdict.DIFFERENT for report in tiny),
        inputs=INPUTS,
        tiny_table=_tiny_table(),
        float32=sum(in_float32 for in_float32, _, _ in passed),
        bfloat16=sum(in_bfloat16 for _, in_bfloat16, _ in passed),
        ratio=sum(by_ratio for _, _, by_ratio in passed),
        any=sum(map(any, passed)),
        right=len(RIGHT),
        cases=CASES,
        seed=SEED,
        length=LENGTH,
        limit=RATIO,
        fine=TOLERANCES[torch.float32],
        coarse=TOLERANCES[torch.bfloat16],
        table=_table(),
    )


def _table() -> str:
    lines = [_line(COLUMNS), _line(["---"] * len(COLUMNS))]
    for family, mutants in FAMILIES.items():
        lines.append(_line([f"**{family}**", *[""] * (len(COLUMNS) - 1)]))
        lines.extend(_line(_cells(mutant)) for mutant in mutants)
    return "\n".join(lines)


def _tiny_table() -> str:
    lines = [_line(TINY_COLUMNS), _line(["---"] * len(TINY_COLUMNS))]
    for family, mutants in TINY_FAMILIES.items():
        lines.append(_line([f"**{family}**", *[""] * (len(TINY_COLUMNS) - 1)]))
        for mutant in mutants:
            greatest = max(report.worst.ratio for report in bounded(mutant))
            report = exactly(mutant)
            answers = report.exact.verdict.name, report.verdict.name
            lines.append(_line((mutant.name, *answers, f"{greatest:.2f}")))
    return "\n".join(lines)


def _cells(mutant: Mutant) -> tuple[str, ...]:
    report = refinement(mutant)
    assert report.drawn is not None
    found = str(report.drawn.cases) if report.verdict is Verdict.REFUTED else "never"
    return (
        mutant.name,
        found,
        report.exact.verdict.name,
        *(PASSES if passed else CAUGHT for passed in practice(mutant)),
    )


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


_TEXT = """# Mutants: what the checks find, and what fixed tolerances pass

The tests have {mutants} selective scans with one wrong step each. In {backward} of them only the backward
pass is wrong. They are in `tests/mutants`, one line each.

`check_refinement(scan, SelectiveScanFn(), cases=cases, seed={seed})` refutes {refuted} of the {mutants}. It
refutes none of the {right} correct scans beside them. The {cases} cases have up to two groups
(`scan_shapes(max_groups=2)`), and mutants of the backward pass are checked with `gradients=True`.

Common tests use ordinary random inputs (T = {length}, here once with one group and once with two). With
such inputs {any} of the mutants pass at least one of three usual comparisons:

- **float32**: `torch.allclose` with rtol, atol = {fine[0]:g}, {fine[1]:g}, as in mamba-ssm's tests;
  {float32} pass.
- **bfloat16**: `torch.allclose` with {coarse[0]:g}, {coarse[1]:g} and inputs in bfloat16; {bfloat16} pass.
- **ratio**: the root mean square of the error is below {limit:g} of that of the values, in float32, as in
  flash-linear-attention's tests; {ratio} pass.

The column **exact** is the answer without a tolerance (`report.exact`), at the first case that is REFUTED
and by a single point of a finite field. {different} of the formulas are DIFFERENT. The other {equal} are EQUAL:
their formula is right, and a cast or an unstable order of evaluation is what the bound refutes.

The comparisons look at output and last state, or at all gradients of a backward mutant, and compare with
`selective_scan` in float32. mamba-ssm's test (commit 014340f) has no assertion on gradients. Its assertions
that are commented out allow at most 5 times the relative and 10 times the absolute tolerance, and so does
this page.

`python -m mutants.table`, run in `tests`, writes this page. A test compares the page with the verdicts of the checks.

{table}

## Wrong by a part in 10^9, or less

The tests have {tiny} more functions whose effect is at most 10^-9 of the numbers beside it: selective scans, other
kernels and a Mamba block. In {tiny_backward} of them only the gradients are wrong. The bound passes all of them,
as it must: float32 rounds by 6e-8, so their error is an error that a right program can have. The last column
is the greatest error relative to the bound at {inputs} ordinary inputs. The exact answer is DIFFERENT for
{tiny_different} of the {tiny}, each by a single point.

In {found} of them the verdict of the whole check is DIFFERENT, too. In the others it is REFINES, and `report.exact`
says DIFFERENT: a number such as 1.0000000001 in the code may be a rounded constant, like a third in
decimals, so the difference alone is no finding.

{tiny_table}
"""


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"wrote {PAGE}")
