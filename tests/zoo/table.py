"""Which mode sees what: the page docs/causality-zoo.md, next to causal-certificate 0.1.0.

``python -m tests.zoo.table`` in the project's folder writes the page anew. It needs that package:
``pip install causal-certificate==0.1.0 --no-deps``.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from scanproof import CausalCertificate, Verdict

from .catalogue import FAMILIES
from .modes import RANDOM_CUTS, crossed_share, examined
from .specimen import MODES, Fault, Mode, Model, Specimen

PAGE = Path(__file__).parents[2] / "docs" / "causality-zoo.md"

LEAK, PASS, OPEN, NOT_MADE, FAILS = "LEAK", "pass", "open", "–", "fails"
ESTABLISHED = "established"

PEER_COLUMNS = ("peer: all cuts", "peer: random", "peer: examples")


@dataclass(frozen=True)
class Row:
    """What the checks say of one function.

    Attributes:
        family: the family that keeps it.
        kept: the function with its ground truth.
        read: what ``certify`` says, which reads the program first.
        ours: a word for each of ``MODES``.
        peer: a word for each of ``PEER_COLUMNS``.
    """

    family: str
    kept: Fault | Model
    read: str
    ours: tuple[str, ...]
    peer: tuple[str, ...]

    @property
    def peer_sees(self) -> bool:
        """Whether its exhaustive cuts see a leak of positions, or its check of examples one of examples."""
        assert isinstance(self.kept, Fault)
        temporal, _, examples = self.peer
        return (self.kept.temporal and temporal == LEAK) or (not self.kept.temporal and examples == LEAK)


def rows(peer: Callable[[Specimen], tuple[str, ...]]) -> list[Row]:
    """Run every mode on everything; ``peer`` says what causal-certificate says."""
    return [
        Row(family, kept, _read(kept), tuple(_word(kept, mode) for mode in MODES), peer(kept))
        for family, module in FAMILIES.items()
        for kept in (*module.FAULTS, *module.MODELS)
    ]


def measured(kept: Specimen) -> tuple[str, ...]:
    """Run causal-certificate at the same input."""
    from causal_certificate import certify

    fn, x = kept.at(torch.float32), kept.x()
    try:
        every = certify(fn, x)
        random = certify(fn, x, cuts="rand", batch_check=False)
    except Exception as error:  # what it does not take, or crashes on
        return (f"{FAILS}: {type(error).__name__}",) * len(PEER_COLUMNS)
    causal = (every.is_strictly_causal, random.is_strictly_causal)
    examples = (PASS if every.is_batch_independent else LEAK) if every.batch_checked else NOT_MADE
    return (*(PASS if ok else LEAK for ok in causal), examples)


def recorded(text: str) -> Callable[[Specimen], tuple[str, ...]]:
    """Return what a page says that causal-certificate says."""
    lines = (line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| "))
    words = {cells[0]: tuple(cells[-len(PEER_COLUMNS) :]) for cells in lines}
    return lambda kept: words.get(kept.name, ("",) * len(PEER_COLUMNS))


def page(rows: Sequence[Row]) -> str:
    """Return the text of the page."""
    faults = [row for row in rows if isinstance(row.kept, Fault)]
    models = [row for row in rows if isinstance(row.kept, Model)]
    failed = [row for row in faults if row.peer[0].startswith(FAILS)]
    return _TEXT.format(
        faults=len(faults),
        models=len(models),
        seen=sum(LEAK in row.ours for row in faults),
        passed=sum(row.ours.count(PASS) + row.ours.count(NOT_MADE) == len(MODES) for row in models),
        established=sum(row.read == ESTABLISHED for row in models),
        read_seen=sum(row.read == LEAK for row in faults),
        read_size=sum(row.read == ESTABLISHED for row in faults),
        peer_seen=sum(row.peer_sees for row in faults),
        peer_failed=len(failed),
        peer_passed=sum(not row.peer_sees and row not in failed for row in faults),
        peer_alarms=sum(row.peer[0] == LEAK for row in models),
        peer_batch_alarms=sum(row.peer[2] == LEAK for row in models),
        cuts=RANDOM_CUTS,
        fault_table=_table(("Fault", "Leaky pairs"), faults, lambda fault: (fault.name, _leaks(fault))),
        model_table=_table(("Causal model",), models, lambda model: (model.name,)),
    )


def _leaks(fault: Fault) -> str:
    possible = int((fault.order.inputs > fault.order.outputs[:, None]).sum())
    parts = [f"{len(fault.pairs)} of {possible:,}"] if fault.temporal else []
    if fault.example_pairs:
        parts.append(f"{len(fault.example_pairs)} of {fault.examples * (fault.examples - 1)} of examples")
    return ", ".join(parts) or "none; depends on the place in the batch"


def _word(kept: Specimen, mode: Mode) -> str:
    if mode not in kept.modes:
        return NOT_MADE
    if isinstance(kept, Fault) and mode in kept.seen_by and mode == "random" and not kept.example_pairs:
        share = crossed_share(kept)
        if share < 1:
            return f"{min(0.99, 1 - (1 - share) ** RANDOM_CUTS):.0%}"
    verdict = examined(kept, mode).verdict
    if verdict is Verdict.LEAK:
        return LEAK
    return PASS if verdict.passed else OPEN


def _read(kept: Specimen) -> str:
    report = examined(kept, "read")
    assert isinstance(report, CausalCertificate)
    if report.reading is not None and report.reading.established:
        return ESTABLISHED
    return LEAK if report.verdict is Verdict.LEAK else PASS if report.ok else OPEN


def _table(first: tuple[str, ...], rows: Sequence[Row], cells: Callable[[Any], tuple[str, ...]]) -> str:
    header = (*first, "read", *MODES, *PEER_COLUMNS)
    lines = [_line(header), _line(["---"] * len(header))]
    family = ""
    for row in rows:
        if row.family != family:
            family = row.family
            lines.append(_line([f"**{family}**", *[""] * (len(header) - 1)]))
        lines.append(_line([*cells(row.kept), row.read, *row.ours, *row.peer]))
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


_TEXT = """# The zoo: which check sees what

The zoo has {faults} faults and {models} causal models. Each is a few lines of PyTorch with a ground truth:
which outputs read which inputs. The ground truth is derived by hand, and tests confirm it without the
checks. The code is in `tests/zoo`, one file for each family.

scanproof sees {seen} of the {faults} faults in the modes that are meant for them, and names a pair that
leaks. It passes {passed} of the {models} causal models in every mode. By reading the program it establishes
{established} of them for every input of their shape; the others are convolutions by FFT and models whose
causality is algebra, and pass by probes. {read_seen} of the faults are leaks with a witness; the other
{read_size} depend on the size of the input alone, which at one size reads no other position or example.
causal-certificate 0.1.0, at the same
inputs, sees {peer_seen} of the faults, passes {peer_passed} and raises an error at {peer_failed}. Its cuts
call {peer_alarms} of the causal models leaky. Its check of examples calls {peer_batch_alarms} of them
leaky, because it subtracts two sums of squares, which rarely cancel in float32.

- **read**: `certify(fn, x)`, which reads the program first, at this shape alone; *established*: for every
  input of the shape. **exact**: `cuts="all"`; **coded**: `cuts="coded"`; **random**: `cuts="rand"`, K = {cuts}.
  These modes look at gradients at later inputs and at other examples.
- **perturbation**: `check_perturbation`; **prefix**: `check_prefix`; **batch**: `check_batch`.
- **peer**: causal-certificate 0.1.0 with all cuts, with {cuts} random cuts, and its check of examples.
- *LEAK*: a leak was reported. *pass*: no dependence was found, or rounding on the evidence of two
  precisions. *open*: INCONCLUSIVE. A percentage: the probability that one of the random cuts separates a
  leaky pair, at most 99. *–*: not run, because the mode takes long or needs another kind of input. *fails*:
  the mode raised an error.
- Inputs are float32. A leak below the last digit of an output has a gradient, and no check of outputs sees
  it.

`python -m tests.zoo.table` writes this page. It needs `pip install causal-certificate==0.1.0 --no-deps`. A
test compares the page with the verdicts of the checks.

## Faults

{fault_table}

## Causal models

{model_table}
"""


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(rows(measured)))
    print(f"wrote {PAGE}")
