"""Read a function for every length at once, where ``torch.export`` gives one program for them."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sympy  # type: ignore[import-untyped]
import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export
from torch.export.graph_signature import InputKind
from torch.fx import Node

from scanproof.programs.lengths.answer import EveryLength
from scanproof.programs.lengths.conditions import Lengths
from scanproof.programs.lengths.constants import constant
from scanproof.programs.lengths.form import Form, Known, Unreadable, same_size
from scanproof.programs.lengths.rules import Forms, form_of
from scanproof.programs.program import Program
from scanproof.programs.record import record

ASSUMPTIONS = (
    "values are finite: 0 times a value is 0, and minus infinity plus a value hides it",
    "scores are small beside the large negative numbers that hide some of them, and those do not hide all of "
    "a row",
)

_NONE = "torch.export has no program for every length"
_VIOLATED = "Constraints violated"
"""How torch.export begins to say that operations depend on the length, as the steps of a Python loop do."""

FIXED = f"{_NONE}: the program that it makes is for this length alone"


class _AsModule(nn.Module):
    def __init__(self, fn: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.fn = fn

    def forward(self, x: Tensor) -> Any:
        return self.fn(x)


def every_length(
    fn: Callable[[Tensor], Any], x: Tensor, seq_dim: int, recorded: Program | None = None
) -> EveryLength:
    """Say whether no output of ``fn`` reads a later position, at every length at once.

    Each entry of each tensor gets a *delay*: how far beyond its own index it may read. The rules do not use
    the length, so the labels ``index + delay`` are those of Lean theorem ``Program.causal`` at every length.

    Args:
        fn: a function that returns one tensor.
        x: an input of at least two positions.
        seq_dim: axis of positions of both.
        recorded: the program that ``record`` returns for ``fn(x)``; None to record the function here.
    """
    axis, x = seq_dim % x.dim(), x.contiguous()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = export(
                _AsModule(fn).eval(), (x,), dynamic_shapes=({axis: Dim.DYNAMIC},), strict=False
            ).run_decompositions()
            longer = torch.cat([x, x.narrow(axis, 0, 1)], axis)
            same = all(_agree(program.module()(at), fn(at)) for at in (x, longer))
    except Exception as error:  # whatever fn or torch.export raises at a length that is not known
        return EveryLength(FIXED if _VIOLATED in str(error) else f"{_NONE} ({_said(error)})")
    if not same:
        return EveryLength("the program by torch.export does not compute what fn computes")
    recorded = recorded or record(fn, x)
    try:
        return _read(program, axis, seq_dim, _fixed(recorded))
    except Exception as error:  # an answer that could not be worked out establishes nothing
        return EveryLength(f"the program by torch.export could not be read ({_said(error)})")


def _fixed(program: Program) -> set[int]:
    """Return the storages of the tensors that are held beside parameters, which may have any values."""
    held = (value.tensor for value in program.values if value.source == "constant")
    return {tensor.untyped_storage().data_ptr() for tensor in held if tensor is not None}


def _said(error: Exception) -> str:
    """Return the kind of an exception and the first line of its message."""
    said = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _agree(a: Any, b: Any) -> bool:
    """Whether two tensors agree, but for rounding of operations that torch.export decomposes."""
    return isinstance(a, Tensor) and isinstance(b, Tensor) and torch.allclose(a, b, rtol=1e-3, atol=1e-3)


def _read(program: ExportedProgram, axis: int, seq_dim: int, fixed: set[int]) -> EveryLength:
    forms: Forms = {}
    x = _inputs(program, forms, fixed)
    size = forms[x].axes[axis][0].size if forms[x].axes[axis] else 1
    if not isinstance(size, sympy.Symbol):
        return EveryLength(FIXED)
    forms[x] = Form(forms[x].axes, {forms[x].axes[axis][0]: 0})
    for node in program.graph.nodes:
        if node.op != "call_function" or not _is_tensor(node):
            continue
        try:
            forms[node] = form_of(node, forms)
        except Unreadable:
            return EveryLength(f"{_where(node)} reads positions that no delay bounds")
        except Exception as error:  # a rule that fails establishes nothing
            return EveryLength(f"{_where(node)} has arguments that its rule does not expect ({_said(error)})")
    (y,) = next(node for node in program.graph.nodes if node.op == "output").args[0]
    if problem := _problem(forms[y], seq_dim, size):
        return EveryLength(problem)
    bounds = program.range_constraints[size]
    lengths = Lengths(int(bounds.lower), int(bounds.upper) if bounds.upper.is_Integer else None)
    for guard in x.meta["val"].shape[axis].node.shape_env.guards:
        met = lengths.meeting(guard.expr, size)
        if met is None:
            said = str(guard.expr).replace(str(size), "T")
            return EveryLength(f"the program is for lengths with {said} alone")
        lengths = met
    return EveryLength("", lengths.shortest, lengths.longest, lengths.apart, _assumptions(forms))


def _inputs(program: ExportedProgram, forms: Forms, fixed: set[int]) -> Node:
    """Enter the forms of parameters, constants and the input; return the node of the input."""
    inputs: list[Node] = []
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    for spec in program.graph_signature.input_specs:
        node = nodes[spec.arg.name]
        value = node.meta.get("val")
        if spec.kind is InputKind.USER_INPUT:
            inputs.append(node)
        held = {**program.constants, **dict(program.named_buffers())}.get(spec.target or "")
        if isinstance(held, Tensor) and held.untyped_storage().data_ptr() in fixed:
            forms[node] = constant(held)
        elif isinstance(value, Tensor):
            forms[node] = Form.of(value.shape)
    (x,) = inputs
    return x


def _is_tensor(node: Node) -> bool:
    value = node.meta.get("val")
    return isinstance(value, Tensor) or (
        isinstance(value, tuple | list) and any(isinstance(each, Tensor) for each in value)
    )


def _problem(y: Form, seq_dim: int, size: Any) -> str:
    """Return why an output may read a later position; empty if none does."""
    own = y.axes[seq_dim]
    if len(own) != 1 or not same_size(own[0].size, size):
        return "the output has another number of positions"
    ahead = y.delays.get(own[0], 0)
    if ahead > 0:
        return f"an output may read {ahead} position{'s' if ahead > 1 else ''} ahead"
    first = y.delays.get(None, 0)
    if first > 0:
        return f"every output may read position {first}"
    if set(y.delays) - {own[0], None}:
        return "outputs at every position may read positions along another axis"
    return ""


def _assumptions(forms: Forms) -> tuple[str, ...]:
    known = {region.known for form in forms.values() if isinstance(form, Form) for region in form.regions}
    used = [bool(known), Known.LOW in known or Known.NINF in known]
    return tuple(sentence for sentence, needed in zip(ASSUMPTIONS, used, strict=True) if needed)


def _where(node: Node) -> str:
    name = f"{node.target}".removesuffix(".default")
    places = re.findall(r'File "([^"]+)", line (\d+)[^\n]*\n([^\n]*)', node.meta.get("stack_trace") or "")
    places = [place for place in places if place[0] != __file__]
    if not places:
        return name
    file, line, source = places[-1]
    return f"{name} in {Path(file).name}:{line}: {source.strip()}"
