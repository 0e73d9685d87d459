"""Progress of a long step: a bar on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@dataclass
class Step:
    """A long step: ``done`` of ``total`` units; a unit may be an item with a name."""

    title: str
    total: float
    unit: str
    changed: Callable[["Step"], None] = field(repr=False)
    done: float = 0
    running: list[str] = field(default_factory=list)
    last: str = ""

    def start(self, item: str) -> None:
        """Show that work on an item has started."""
        self.running.append(item)
        self.changed(self)

    def finish(self, item: str) -> None:
        """Count an item as done."""
        self.running.remove(item)
        self.last = item
        self.reach(self.done + 1)

    def reach(self, done: float) -> None:
        """Set the number of completed units."""
        self.done = min(done, self.total)
        self.changed(self)

    @property
    def count(self) -> str:
        """The progress, such as ``3/14 modules``; empty if there is nothing to count."""
        return f"{self.done:.0f}/{self.total:.0f} {self.unit}" if self.total else ""


ShowStep = Callable[[str, float, str], AbstractContextManager[Step]]
"""Starts a step with a title, a total (0: nothing to count) and a unit; the step ends with the context."""


@contextmanager
def silent(title: str, total: float, unit: str) -> Iterator[Step]:
    """Show nothing."""
    yield Step(title, total, unit, lambda step: None)


def on_console(console: "Console") -> ShowStep:
    """Show steps on a console: bars on a terminal, lines elsewhere."""

    @contextmanager
    def bar(title: str, total: float, unit: str) -> Iterator[Step]:
        with together(console) as show, show(title, total, unit) as step:
            yield step

    @contextmanager
    def lines(title: str, total: float, unit: str) -> Iterator[Step]:
        shown = 0.0

        def changed(step: Step) -> None:
            nonlocal shown
            if step.done > shown and (step.last or step.done >= min(shown + total / 5, total)):
                shown = step.done
                console.print(f"{title}: {step.count} {step.last}".rstrip(), highlight=False, markup=False)

        console.print(f"{title} …", highlight=False, markup=False)
        yield Step(title, total, unit, changed)

    return bar if console.is_terminal else lines


@contextmanager
def together(console: "Console") -> Iterator[ShowStep]:
    """Show steps that run at the same time, also in several threads, in the style of :func:`on_console`."""
    if not console.is_terminal:
        yield on_console(console)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[running]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:

        @contextmanager
        def bar(title: str, total: float, unit: str) -> Iterator[Step]:
            def changed(step: Step) -> None:
                progress.update(task, completed=step.done, count=step.count, running=", ".join(step.running))

            step = Step(title, total, unit, changed)
            task = progress.add_task(title, total=total or None, count=step.count, running="")
            try:
                yield step
            finally:
                progress.refresh()
                progress.remove_task(task)

        yield bar
