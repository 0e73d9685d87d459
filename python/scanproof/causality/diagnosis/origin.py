"""Where in a model a leak enters."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from scanproof.causality.diagnosis.module_calls import Call, Line

Role = Literal["enters", "holds", "unread", "other"]


@dataclass(frozen=True)
class Outlined:
    """One call in the outline of a model.

    Attributes:
        depth: number of calls around it; 0 for the checked function.
        name: path and class of the module, or name of the function.
        call: the number of the call, among calls of this module, from 1; 0 for a function.
        role: ``"enters"``: the leak enters here. ``"holds"``: the leak enters in a call that it makes.
            ``"unread"``: it could not be examined. ``"other"``: none of these.
    """

    depth: int
    name: str
    call: int
    role: Role


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The innermost module, and the first in execution order, where a leak enters.

    Attributes:
        module: dotted path of the module; empty for the checked module itself; None for a function, and for a
            module without a name.
        kind: class of the module, or name of the function.
        call: the number of the call, among calls of this module, from 1; 0 for a function.
        own_code: whether it calls modules, and the leak enters in none of them.
        line: the line of its code that computes the first tensor with the leak; None if unknown.
        unread: modules that it calls and that could not be examined, because the shape of their tensors does
            not show the axis of positions (or of examples).
        outline: the calls on the way to the origin and next to it, in order.
        problem: why the origin was not found; None if it was found.
    """

    module: str | None = None
    kind: str = ""
    call: int = 0
    own_code: bool = False
    line: Line | None = None
    unread: tuple[str, ...] = ()
    outline: tuple[Outlined, ...] = ()
    problem: str | None = None

    def __str__(self) -> str:
        if self.problem:
            return f"not found: {self.problem}"
        if self.call:
            name = f"{self.module} ({self.kind})" if self.module else self.kind
            parts = [f"{name}, call {self.call}", *(["in its own code"] if self.own_code else [])]
        else:
            parts = [f"the code of {self.kind}", *(["outside the modules it calls"] if self.own_code else [])]
        if self.line:
            parts.append(str(self.line))
        if self.unread:
            more = f" and {len(self.unread) - 3} more" if len(self.unread) > 3 else ""
            parts.append(f"or in {', '.join(self.unread[:3])}{more}, where the axis to follow is ambiguous")
        return ", ".join(parts)

    def within(self, root: Call[Any]) -> "Origin":
        """Return this origin with the outline of the call ``root``, which contains it."""
        return replace(self, outline=tuple(self._outlined(root, 0)))

    def _outlined(self, call: Call[Any], depth: int) -> Iterator[Outlined]:
        inside = [line for made in call.calls for line in self._outlined(made, depth + 1)]
        holds = any(line.role in ("enters", "holds") for line in inside)
        enters = (call.name, call.kind, call.number) == (self.module, self.kind, self.call)
        aside: Role = "unread" if str(call) in self.unread else "other"
        role: Role = "enters" if enters else "holds" if holds else aside
        yield Outlined(depth, str(call), call.number, role)
        if enters or holds:
            yield from inside
