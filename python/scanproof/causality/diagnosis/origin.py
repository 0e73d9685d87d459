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
        depth: how many calls it is within; 0 for what was checked.
        name: path and class of the module, or name of the function.
        call: the how-manieth call of this module it is, from 1; 0 for a function.
        role: ``"enters"``, the leak enters here; ``"holds"``, in a call that it makes; ``"unread"``, it could
            not be asked; ``"other"``.
    """

    depth: int
    name: str
    call: int
    role: Role


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The innermost module, first in execution order, that lets a leak in.

    Attributes:
        module: dotted path of the module; empty for the module that was checked; None where it is the
            function that was checked, and for a module that nothing names.
        kind: class of the module, or name of the function.
        call: the how-manieth call of this module it is, from 1; 0 for a function.
        own_code: whether it calls modules, and none of them lets the leak in.
        line: where its code computes the first tensor with the leak; None where that is not known.
        unread: modules that it calls and that could not be asked, because no axis of their tensors could be
            told to be the one with the positions (or examples).
        outline: the calls on the way to the place and beside it, in order.
        problem: why the place was not found; None where it was.
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
            parts.append(f"or in {', '.join(self.unread[:3])}{more}, where no one axis could be followed")
        return ", ".join(parts)

    def within(self, root: Call[Any]) -> "Origin":
        """Return the place with the outline of the call ``root`` that it lies in."""
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
