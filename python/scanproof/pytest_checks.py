"""What the fixtures of the pytest plugin do, and how the run is summed up."""

import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanproof.errors import InvalidArgument
from scanproof.extras import extra
from scanproof.report.table import verdict_text
from scanproof.report.verdict import Verdict

with extra("pytest", "The fixtures of scanproof"):
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

Check = Callable[..., Any]
Entry = dict[str, Any]
"""What one call of a fixture found, as xdist can send it.

``rows`` for the terminal, each of check, verdict and evidence; ``theorems``; and ``records``, as JSON text.
"""


@dataclass(frozen=True)
class Setup:
    """What a test brings along.

    Attributes:
        marked: what its markers set.
        seed: seed of inputs and checks.
        recording: whether a JSON report is wanted.
        entries: where what was found is kept.
        properties: what JUnit's report says of the test.
    """

    marked: dict[str, Any]
    seed: int
    recording: bool
    entries: list[Entry]
    properties: list[tuple[str, Any]]

    def input(self, x: Any) -> Any:
        """Return ``x``, or where it is None a random input of the shape and dtype that markers set."""
        import torch

        if x is not None:
            return x
        if "shape" not in self.marked:
            raise InvalidArgument(
                "There is no input: give x, or mark the test with scanproof(shape=(batch, time, channels))."
            )
        shape = self.marked["shape"]
        sizes = tuple(shape) if isinstance(shape, Sequence) else ()
        if not sizes or not all(isinstance(size, int) and size >= 1 for size in sizes):
            raise InvalidArgument(
                f"scanproof(shape={shape!r}) is no shape; give whole numbers of at least 1, as in (2, 9, 1)."
            )
        dtype = self.marked.get("dtype", torch.float32)
        kind = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
        if not isinstance(kind, torch.dtype):
            raise InvalidArgument(f"scanproof(dtype={dtype!r}) is no dtype of PyTorch; say float32, for one.")
        return torch.randn(sizes, generator=self.generator()).to(kind)

    def generator(self) -> Any:
        """Return a generator at the seed."""
        import torch

        return torch.Generator().manual_seed(self.seed)

    def spec(self, given: Any, impl: Any) -> Any:
        """Return the spec that ``impl`` is to refine: given, or as markers set it; None where neither."""
        from scanproof.refinement.checkpoint import MambaCheckpoint
        from scanproof.refinement.runners import Spec

        spec = self.marked.get("spec") if given is None else given
        return spec if spec is None or isinstance(spec, Spec | MambaCheckpoint) else spec(impl)

    def run(self, check: Check, *arguments: Any, **options: Any) -> Any:
        """Run a check that raises unless it passes, and keep what it found."""
        __tracebackhide__ = True
        try:
            report = check(*arguments, **options)
        except AssertionError as finding:
            if hasattr(finding, "report"):
                self._keep(finding.report)
            raise
        self._keep(report)
        return report

    def _keep(self, report: Any) -> None:
        from scanproof.report.record import record

        rows = report.rows() if hasattr(report, "rows") else [report.row("")]
        records = [record("", part) for part in report.parts] if self.recording else []
        self.entries.append(
            {
                "rows": [(row.check, row.verdict.name, row.evidence) for row in rows],
                "theorems": [str(name) for name in report.theorems],
                "records": json.dumps(records, ensure_ascii=False),
            }
        )
        self.properties.extend((f"scanproof {row.check}", row.verdict.name) for row in rows)


def certify(setup: Setup) -> Check:
    """Return the fixture ``certify``."""
    from scanproof.causality.certificate import assert_strictly_causal

    def certify(fn: Any, x: Any = None, **options: Any) -> Any:
        __tracebackhide__ = True
        chosen = {"generator": setup.generator(), **options}
        return setup.run(assert_strictly_causal, fn, setup.input(x), **chosen)

    return certify


def refine(setup: Setup, oracle: Any) -> Check:
    """Return the fixture ``refine``."""
    from scanproof.refinement.check import assert_refines

    def refine(impl: Any, spec: Any = None, x: Any = None, **options: Any) -> Any:
        __tracebackhide__ = True
        wanted = setup.spec(spec, impl)
        if wanted is None:
            raise InvalidArgument("There is no spec: give one, or mark the test with scanproof(spec=...).")
        chosen = {"reference": oracle, "seed": setup.seed, **options}
        given = x if "cases" in options else setup.input(x)
        return setup.run(assert_refines, impl, wanted, given, **chosen)

    return refine


def audit(setup: Setup) -> Check:
    """Return the fixture ``audit``."""
    from scanproof.auditing.assertion import assert_audit

    def audit(fn: Any, x: Any = None, spec: Any = None, **options: Any) -> Any:
        __tracebackhide__ = True
        marked = {"checks": setup.marked["checks"]} if "checks" in setup.marked else {}
        chosen = {"generator": setup.generator(), "spec": setup.spec(spec, fn), **marked, **options}
        return setup.run(assert_audit, fn, setup.input(x), **chosen)

    return audit


def toolchain() -> str:
    """Return the name of the Lean that the oracle would run on."""
    from scanproof.lean.errors import LeanUnavailable
    from scanproof.lean.find import find_toolchain
    from scanproof.lean.project import Project

    try:
        project = Project.find()
        return f"{find_toolchain(project).name}, Lean {project.version}"
    except LeanUnavailable as error:
        return f"none: {error}"


def show(found: Sequence[tuple[str, Entry]], terminal: Any) -> None:
    """Write a table of verdicts to pytest's terminal: evidence of what did not pass, counts, theorems.

    Args:
        found: the test, and what one call of a fixture in it found.
        terminal: pytest's terminal reporter.
    """
    writer, text = terminal._tw, io.StringIO()
    console = Console(file=text, width=writer.fullwidth, force_terminal=writer.hasmarkup, highlight=False)
    rows = [(test, *row) for test, entry in found for row in entry["rows"]]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (1, 2)]
    for test, check, name, evidence in rows:
        verdict = Verdict[name]
        mark = verdict_text(verdict)
        mark.pad_right(widths[1] + 2 - len(mark))
        console.print(Text.assemble(mark, f"  {check:{widths[0]}}  {test}"), soft_wrap=True)
        if verdict.found or verdict is Verdict.INCONCLUSIVE:
            console.print(Padding(Text(evidence.partition("; ")[0]), (0, 0, 0, 4)))
    counts = Counter(name for _, _, name, _ in rows)
    console.print(", ".join(f"{number} {name}" for name, number in counts.items()) or "nothing was checked")
    if theorems := dict.fromkeys(name for _, entry in found for name in entry["theorems"]):
        console.print(f"theorems: {', '.join(theorems)}", markup=False)
    terminal.write(text.getvalue())


def write(found: Sequence[tuple[str, Entry]], file: Path) -> None:
    """Write what was found as JSON that follows the schema of reports; the subject is the test."""
    from scanproof.report.record import document

    content = document([])
    content["reports"] = [
        {**record, "subject": test} for test, entry in found for record in json.loads(entry["records"])
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")
