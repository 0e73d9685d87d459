"""What the fixture of the pytest plugin does, and how the run is summed up."""

import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from inspect import signature
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
"""What one call of the fixture found, as xdist can send it.

``rows`` for the terminal, each of check, verdict and evidence; ``theorems``; and ``records``, as JSON text.
"""


@dataclass(frozen=True)
class Scanproof:
    """The fixture ``scanproof``: runs a check, requires that it passes, and keeps what it found.

    Attributes:
        seed: seed of inputs and checks.
    """

    seed: int
    _marked: dict[str, Any] = field(repr=False)
    _used: set[str] = field(repr=False)
    _oracle: Callable[[], Any] = field(repr=False)
    _recording: bool = field(repr=False)
    _entries: list[Entry] = field(repr=False)
    _properties: list[tuple[str, Any]] = field(repr=False)

    def require(self, check: Check, fn: Any, *arguments: Any, **options: Any) -> Any:
        """Run ``check(fn, ...)`` and return its report, which must pass.

        What the call leaves out comes from the markers and the options of the run: the spec, a random input
        of the shape and dtype of the marker, the checks of an audit, the seed, and with
        ``--scanproof-oracle=lean`` the Lean oracle as reference.

        Args:
            check: a check of scanproof, such as ``scanproof.audit``.
            fn: what is checked.
            arguments: what follows ``fn``: the spec of a refinement, the input.
            options: other arguments of the check.

        Raises:
            CheckFailed: the report did not pass.
            InvalidArgument: the call is wrong, or it needs an input or a spec that nothing gives.
        """
        __tracebackhide__ = True
        given = signature(check).bind_partial(fn, *arguments, **options).arguments
        missing = {name for name in signature(check).parameters if name not in given}
        chosen: dict[str, Any] = {"seed": self.seed} if "seed" in missing else {}
        needs_spec = check.__name__ in ("check_refinement", "check_kernel")
        if "spec" in missing and (spec := self._spec(fn, needed=needs_spec)):
            chosen["spec"] = spec
        if "checks" in missing and "checks" in self._marked:
            chosen["checks"] = self._marking("checks")
        draws = (
            check.__name__ == "check_kernel"
            or (check.__name__ == "check_refinement" and given.get("cases"))
            or (check.__name__ == "check_same" and "shape" not in self._marked)
        )
        if "x" in missing and not draws:
            chosen["x"] = self._input()
        if "reference" in missing and _is_block({**given, **chosen}.get("spec")):
            chosen["reference"] = self._oracle()
        report = check(fn, *arguments, **{**options, **chosen})
        self._keep(report)
        return report.require()

    def _marking(self, name: str) -> Any:
        self._used.add(name)
        return self._marked[name]

    def _input(self) -> Any:
        """Return a random input of the shape and dtype that markers set."""
        import torch

        if "shape" not in self._marked:
            raise InvalidArgument(
                "There is no input: give x, or mark the test with scanproof(shape=(batch, time, channels))."
            )
        shape = self._marking("shape")
        sizes = tuple(shape) if isinstance(shape, Sequence) else ()
        if not sizes or not all(isinstance(size, int) and size >= 1 for size in sizes):
            raise InvalidArgument(
                f"scanproof(shape={shape!r}) is no shape; give whole numbers of at least 1, as in (2, 9, 1)."
            )
        dtype = self._marking("dtype") if "dtype" in self._marked else torch.float32
        kind = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
        if not isinstance(kind, torch.dtype):
            raise InvalidArgument(
                f"scanproof(dtype={dtype!r}) is no dtype of PyTorch; give one such as 'float32'."
            )
        return torch.randn(sizes, generator=torch.Generator().manual_seed(self.seed)).to(kind)

    def _spec(self, fn: Any, *, needed: bool) -> Any:
        """Return the spec that markers set for ``fn``; None where they set none."""
        from scanproof.refinement.posing import is_spec

        if "spec" not in self._marked:
            if needed:
                raise InvalidArgument(
                    "There is no spec: give one, or mark the test with scanproof(spec=...)."
                )
            return None
        spec = self._marking("spec")
        return spec if is_spec(spec) else spec(fn)

    def _keep(self, report: Any) -> None:
        from scanproof.report.record import record

        rows = report.rows()
        records = [record("", part) for part in report.parts] if self._recording else []
        self._entries.append(
            {
                "rows": [(row.check, row.verdict.name, row.evidence) for row in rows],
                "theorems": [str(name) for name in report.theorems],
                "records": json.dumps(records, ensure_ascii=False),
            }
        )
        self._properties.extend((f"scanproof {row.check}", row.verdict.name) for row in rows)


def _is_block(spec: Any) -> bool:
    """Whether the oracle can run ``spec``."""
    from scanproof.refinement.checkpoint import MambaCheckpoint
    from scanproof.refinement.runners import Spec

    return isinstance(spec, Spec | MambaCheckpoint)


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
        found: the test, and what one call of the fixture in it found.
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
