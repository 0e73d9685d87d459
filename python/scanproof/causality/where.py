"""Where in a model a leak enters."""

from dataclasses import dataclass

from scanproof.causality.calls import Line


@dataclass(frozen=True, kw_only=True)
class Where:
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
        problem: why the place was not found; None where it was.
    """

    module: str | None = None
    kind: str = ""
    call: int = 0
    own_code: bool = False
    line: Line | None = None
    unread: tuple[str, ...] = ()
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
