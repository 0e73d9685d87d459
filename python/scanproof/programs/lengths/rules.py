"""What the result of each operation may read at every length, from the forms of its arguments."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.fx import Node

from scanproof.programs.lengths.form import (
    Affine,
    Factor,
    Form,
    Known,
    Region,
    Unreadable,
    broadcast,
    expression_of,
    factors_of,
    joined,
    renamed,
    same_size,
)
from scanproof.programs.table import row_of

Forms = dict[Node, Any]
"""The forms of the tensors so far; of an operation with several results, a tuple."""

Rule = Callable[[Node, Forms], Any]
RuleT = TypeVar("RuleT", bound=Rule)

RULES: dict[str, Rule] = {}
"""By the name of the operation in ATen."""

ZERO, ONE = Known.ZERO, Known.ONE
HIDES = (Known.NINF, Known.LOW)

LEAST_SCALE = 1 / 16
"""The least factor that leaves a large negative number large against scores."""

EXACT = (torch.int32, torch.int64, torch.float32, torch.float64)
"""Dtypes that hold positions; others round them, or wrap around."""


def rule(*names: str, only: int | None = None) -> Callable[[RuleT], RuleT]:
    """Enter a rule for operations of ATen; with ``only``, no argument but that one may read positions."""

    def enter(found: RuleT) -> RuleT:
        def alone(node: Node, forms: Forms) -> Any:
            others = (each for each in node.all_input_nodes if each is not _args(node)[only or 0])
            if any(_reads(forms[each]) for each in others if each in forms):
                raise Unreadable
            return found(node, forms)

        RULES.update(dict.fromkeys(names, found if only is None else alone))
        return found

    return enter


def form_of(node: Node, forms: Forms) -> Any:
    """Return the form of the result of a node.

    Raises:
        Unreadable: no delay bounds what it reads for every length.
    """
    found = _form_of(node, forms)
    value = node.meta.get("val")
    return _held(found, value.dtype) if isinstance(found, Form) and isinstance(value, Tensor) else found


def _held(form: Form, dtype: torch.dtype) -> Form:
    """Return what is still known of values that are held in a dtype."""
    if form.numbers is not None and dtype not in EXACT:
        form = replace(form, numbers=None)
    if dtype.is_floating_point:
        return form
    regions = tuple(each for each in form.regions if each.known not in HIDES)
    scalar = None if form.scalar is None or form.scalar not in (0, 1) else form.scalar
    return replace(form, regions=regions, scalar=scalar)


def _form_of(node: Node, forms: Forms) -> Any:
    if node.target is operator.getitem:
        source, number = _args(node)
        found = forms[source]
        return found[number] if isinstance(found, tuple) else found
    given = [forms[each] for each in node.all_input_nodes if each in forms]
    if not isinstance(node.target, torch._ops.OpOverload):
        raise Unreadable
    own = RULES.get(node.target._opname) if node.target.namespace == "aten" else None
    if not any(map(_reads, given)):
        try:
            return _unread(node) if own is None else own(node, forms)
        except Unreadable:
            return _unread(node)
    if own is not None:
        return own(node, forms)
    found = row_of(node.target)
    if found is not None and found.__module__.endswith(".pointwise"):
        return pointwise(node, forms)
    raise Unreadable


def _args(node: Node) -> tuple[Any, ...]:
    return node.args


def _reads(form: Any) -> bool:
    return any(map(_reads, form)) if isinstance(form, tuple) else bool(form.delays)


def _unread(node: Node) -> Any:
    value = node.meta.get("val")
    if isinstance(value, tuple | list):
        return tuple(Form.of(each.shape) for each in value)
    return Form.of(value.shape) if isinstance(value, torch.Tensor) else None


def _shape(node: Node) -> list[Any]:
    return [expression_of(size) for size in node.meta["val"].shape]


def _form(argument: Any, forms: Forms) -> Form:
    """Return the form of an argument: a tensor, or a number."""
    if isinstance(argument, Node):
        found = forms.get(argument)
        if isinstance(found, Form):
            return found
        return Form(())
    number = float(argument)
    return Form((), numbers=Affine({}, int(number)) if number.is_integer() else None, scalar=number)


def _all(node: Node, forms: Forms) -> list[Form]:
    return broadcast(_form(each, forms) for each in _args(node) if isinstance(each, Node | int | float))


def pointwise(node: Node, forms: Forms) -> Form:
    """Read every argument at the index of the result; nothing is known of the values."""
    given = broadcast([forms[each] for each in node.all_input_nodes if each in forms])
    return Form(given[0].axes, joined(*given))


@rule("add", "sub", "rsub")
def add(node: Node, forms: Forms) -> Form:
    """Keep what hides, minus infinity, and sums of indices."""
    a, b = _all(node, forms)[:2]
    times = -1 if "sub" in _name(node) else 1
    scale = node.kwargs.get("alpha", 1)
    if _name(node) == "rsub":
        a, b = b, a
    numbers = None
    if a.numbers is not None and b.numbers is not None and isinstance(scale, int):
        numbers = a.numbers.plus(b.numbers, times * scale)
    low = [each for each in a.regions if each.known in HIDES]
    if times == 1 and isinstance(scale, int | float):
        low += _scaled(b, scale)
    return Form(a.axes, joined(a, b), tuple(low), numbers)


def _scaled(form: Form, scale: float | None) -> list[Region]:
    """Return the regions that hide entries also when all entries are multiplied by a known number."""
    if scale is None or scale <= 0:
        return []
    kept = HIDES if scale >= LEAST_SCALE else (Known.NINF,)
    return [each for each in form.regions if each.known in kept]


@rule("mul", "div")
def mul(node: Node, forms: Forms) -> Form:
    """Keep zeros, and minus infinity times a positive number."""
    a, b = _all(node, forms)[:2]
    divides = _name(node) == "div"
    kept = [each for each in a.regions if each.known is ZERO]
    kept += [each for each in b.regions if each.known is ZERO and not divides]
    if divides:
        kept += _scaled(a, 1 / b.scalar if b.scalar else None)
    else:
        kept += _scaled(a, b.scalar) + _scaled(b, a.scalar)
    return Form(a.axes, joined(a, b), tuple(kept))


@rule("exp", "sigmoid")
def exp(node: Node, forms: Forms) -> Form:
    """Turn minus infinity into zero."""
    x = _form(_args(node)[0], forms)
    return Form(
        x.axes, x.delays, tuple(replace(each, known=ZERO) for each in x.regions if each.known in HIDES)
    )


@rule("le", "lt", "ge", "gt", "eq", "ne")
def compare(node: Node, forms: Forms) -> Form:
    """Know the answer where sums of indices are compared."""
    kind = _name(node)
    a, b = _all(node, forms)[:2]
    result = Form(a.axes, joined(a, b))
    if kind == "eq" and b.known is Known.NINF:
        hidden = tuple(replace(each, known=ONE) for each in a.regions if each.known is Known.NINF)
        return replace(result, regions=hidden)
    if a.numbers is None or b.numbers is None:
        return result
    difference = a.numbers.plus(b.numbers, -1)
    flipped = Affine().plus(difference, -1)
    no: list[Region] = []
    yes: list[Region] = []
    if kind in ("le", "lt", "eq"):
        no += _where(difference, 0 if kind != "lt" else -1)
    if kind in ("ge", "gt", "eq"):
        no += _where(flipped, 0 if kind != "gt" else -1)
    if kind in ("le", "lt"):
        yes += _where(flipped, -1 if kind == "le" else 0)
    if kind in ("ge", "gt"):
        yes += _where(difference, -1 if kind == "ge" else 0)
    if kind == "ne":
        yes += _where(difference, 0) + _where(flipped, 0)
    regions = [replace(each, known=ZERO) for each in no] + [replace(each, known=ONE) for each in yes]
    return replace(result, regions=tuple(regions))


def _where(sum_: Affine, beyond: int) -> list[Region]:
    """Return the region in which a sum of indices is greater than a number."""
    later = [f for f, n in sum_.coefficients.items() if n == 1]
    earlier = [f for f, n in sum_.coefficients.items() if n == -1]
    if len(later) + len(earlier) != len(sum_.coefficients) or len(later) > 1 or len(earlier) > 1:
        return []
    return [Region(ONE, next(iter(later), None), next(iter(earlier), None), beyond - sum_.constant)]


@rule("logical_and", "bitwise_and", "logical_or", "bitwise_or")
def both(node: Node, forms: Forms) -> Form:
    """One False decides ``and``, and one True decides ``or``."""
    if _is_whole(node):
        return pointwise(node, forms)
    a, b = _all(node, forms)[:2]
    decides, neutral = (ZERO, ONE) if "and" in _name(node) else (ONE, ZERO)
    kept = [each for each in (*a.regions, *b.regions) if each.known is decides]
    for one, other in ((a, b), (b, a)):
        if other.known is neutral:
            kept += [each for each in one.regions if each.known is neutral]
    kept += [
        replace(each, beyond=max(each.beyond, also.beyond))
        for each in a.regions
        for also in b.regions
        if each.known is also.known is neutral and (each.later, each.earlier) == (also.later, also.earlier)
    ]
    return Form(a.axes, joined(a, b), tuple(kept))


@rule("logical_not", "bitwise_not")
def negate(node: Node, forms: Forms) -> Form:
    """Exchange True and False."""
    if _is_whole(node):
        return pointwise(node, forms)
    x = _form(_args(node)[0], forms)
    other = {ZERO: ONE, ONE: ZERO}
    regions = tuple(replace(each, known=other[each.known]) for each in x.regions if each.known in other)
    scalar = None if x.scalar is None else float(not x.scalar)
    return Form(x.axes, x.delays, regions, scalar=scalar)


@rule("where")
def where(node: Node, forms: Forms) -> Form:
    """Know a value where the condition is known and the value that it chooses."""
    condition, a, b = _all(node, forms)
    regions = []
    for chosen, one, other in ((ONE, a, b), (ZERO, b, a)):
        if one.known is not None:
            regions += [replace(each, known=one.known) for each in condition.regions if each.known is chosen]
            regions += [each for each in other.regions if each.known is one.known]
    return Form(a.axes, joined(condition, a, b), tuple(regions))


@rule(
    "full", "scalar_tensor", "full_like", "zeros", "ones", "zeros_like", "ones_like", "new_zeros", "new_full"
)
def full(node: Node, forms: Forms) -> Form:
    """Hold one number."""
    name = _name(node)
    position = {"full": 1, "scalar_tensor": 0, "full_like": 1, "new_full": 2}.get(name)
    value = _args(node)[position] if position is not None else float(name.startswith("ones"))
    scalar = None if isinstance(value, Node) else float(value)
    return Form.of(_shape(node), scalar=scalar)


@rule("arange")
def arange(node: Node, forms: Forms) -> Form:
    """Count from a number on."""
    start = _args(node)[0] if "start" in _overload(node) else 0
    step = _args(node)[2] if len(_args(node)) > 2 else 1
    form = Form.of(_shape(node))
    if not isinstance(start, int) or step != 1:
        return form
    return replace(form, numbers=Affine(dict.fromkeys(form.axes[0], 1), start))


@rule("_to_copy", "clone", "alias", "detach", "lift_fresh_copy")
def same(node: Node, forms: Forms) -> Form:
    """Keep everything."""
    return _form(_args(node)[0], forms)


@rule("unsqueeze")
def unsqueeze(node: Node, forms: Forms) -> Form:
    """Add an axis of size 1."""
    x = _form(_args(node)[0], forms)
    axis = _number(node, 1) % (len(x.axes) + 1)
    return x.with_axes((*x.axes[:axis], (), *x.axes[axis:]))


@rule("permute", "transpose", "t")
def permute(node: Node, forms: Forms) -> Form:
    """Reorder the axes."""
    x = _form(_args(node)[0], forms)
    order = list(range(len(x.axes)))
    if _name(node) == "permute":
        order = [axis % len(order) for axis in _args(node)[1]]
    else:
        a, b = (0, 1) if _name(node) == "t" else (_number(node, 1), _number(node, 2))
        order[a], order[b] = order[b], order[a]
    return x.with_axes(x.axes[axis] for axis in order)


@rule("expand", "copy")
def expand(node: Node, forms: Forms) -> Form:
    """Repeat along axes of size 1; ``copy`` takes its second argument to the shape of the first one."""
    x = _form(_args(node)[_name(node) == "copy"], forms)
    shape = _shape(node)
    axes = ((),) * (len(shape) - len(x.axes)) + x.axes
    return x.with_axes(own or factors_of(size) for own, size in zip(axes, shape, strict=True))


@rule("view", "reshape", "_unsafe_view", "squeeze")
def view(node: Node, forms: Forms) -> Form:
    """Group the factors along other axes; a factor of a fixed size that nothing depends on may be split."""
    x = _form(_args(node)[0], forms)
    waiting = [factor for axis in x.axes for factor in axis][::-1]
    axes = []
    for size in _shape(node):
        own: list[Factor] = []
        while not same_size(prod((each.size for each in own), start=1), size):
            if not waiting:
                raise Unreadable
            factor = waiting.pop()
            left = size / prod((each.size for each in own), start=1)
            if factor.fixed and isinstance(size, int) and all(each.fixed for each in own):
                left = int(left)
                if left < factor.size:
                    if factor in x.bound or left == 0 or factor.size % left:
                        raise Unreadable
                    waiting.append(Factor(factor.size // left))
                    factor = Factor(left)
            own.append(factor)
        axes.append(tuple(own))
    return x.with_axes(axes)


@rule("slice")
def slice_(node: Node, forms: Forms) -> Form:
    """Shift the index."""
    x = _form(_args(node)[0], forms)
    axis = (_number(node, 1) if len(_args(node)) > 1 else 0) % len(x.axes)
    start = _args(node)[2] if len(_args(node)) > 2 and _args(node)[2] is not None else 0
    step = _args(node)[4] if len(_args(node)) > 4 else 1
    new = factors_of(_shape(node)[axis])
    own = x.axes[axis]
    if len(own) == len(new) == 1 and same_size(own[0].size, new[0].size):
        return x
    if step != 1 or len(own) != 1 or not isinstance(start, int) or start < 0:
        if own and any(factor in x.delays for factor in own):
            raise Unreadable
        return Form((*x.axes[:axis], new, *x.axes[axis + 1 :]), x.delays)
    if not new:
        return _selected(x, axis, start, keep=True)
    return x.substitute(own[0], new[0], start)


@rule("select")
def select(node: Node, forms: Forms) -> Form:
    """Fix the index."""
    x = _form(_args(node)[0], forms)
    axis, index = _number(node, 1) % len(x.axes), _args(node)[2]
    if not isinstance(index, int) or index < 0:
        if any(factor in x.delays for factor in x.axes[axis]):
            raise Unreadable
        index = 0
        x = x.bare()
    return _selected(x, axis, index, keep=False)


def _selected(x: Form, axis: int, index: int, *, keep: bool) -> Form:
    own = x.axes[axis]
    axes = (*x.axes[:axis], *(((),) if keep else ()), *x.axes[axis + 1 :])
    if len(own) == 1 and own[0] in x.delays:
        delays = {factor: delay for factor, delay in x.delays.items() if factor is not own[0]}
        delays[None] = max(x.delays[own[0]] + index, delays.get(None, -1))
        return Form(axes, delays)
    if any(factor in x.delays for factor in own):
        raise Unreadable
    return replace(x.bare() if x.bound & set(own) else x, axes=axes)


@rule("constant_pad_nd")
def pad(node: Node, forms: Forms) -> Form:
    """Shift the index by the entries before."""
    x = _form(_args(node)[0], forms).bare()
    padding = _args(node)[1]
    assert isinstance(padding, Sequence)
    shape = _shape(node)
    for number in range(len(padding) // 2):
        axis = len(x.axes) - 1 - number
        before, own, new = padding[2 * number], x.axes[axis], factors_of(shape[axis])
        if before == padding[2 * number + 1] == 0:
            continue
        if own and any(factor in x.delays for factor in own):
            if len(own) != 1 or not isinstance(before, int):
                raise Unreadable
            x = x.substitute(own[0], new[0], -before)
        else:
            x = x.with_axes((*x.axes[:axis], new, *x.axes[axis + 1 :]))
    return x


@rule("cat")
def cat(node: Node, forms: Forms) -> Form:
    """Shift the index of each part by the sizes of the parts before it."""
    parts = [_form(each, forms).bare().fresh() for each in _args(node)[0]]
    axis = (_number(node, 1) if len(_args(node)) > 1 else 0) % len(parts[0].axes)
    shape = _shape(node)
    new = factors_of(shape[axis])
    offset: Any = 0
    moved = []
    for part in parts:
        own = part.axes[axis]
        size = prod((factor.size for factor in own), start=1)
        if any(factor in part.delays for factor in own):
            if len(own) != 1:
                raise Unreadable
            # a symbolic length is at least 2, so its negative is at most -2
            least = offset if isinstance(offset, int) else _least(offset)
            part = part.substitute(own[0], new[0], -least)
        else:
            part = part.with_axes((*part.axes[:axis], new, *part.axes[axis + 1 :]))
        moved.append(part)
        offset = offset + size
    together = broadcast(part.with_axes((*part.axes[:axis], (), *part.axes[axis + 1 :])) for part in moved)
    return Form((*together[0].axes[:axis], new, *together[0].axes[axis + 1 :]), joined(*together))


def _least(size: Any) -> int:
    """Return a lower bound of a size that grows with lengths of at least 2."""
    symbols = size.free_symbols
    if any(size.diff(symbol).is_negative for symbol in symbols):
        raise Unreadable
    return int(size.subs(dict.fromkeys(symbols, 2)))


@rule("cumsum", "cumprod", "logcumsumexp", only=0)
def cumulate(node: Node, forms: Forms) -> Form:
    """Read the indices up to the own one; of an axis of several factors, also all of the inner ones."""
    x = _form(_args(node)[0], forms).bare()
    own = x.axes[_number(node, 1)]
    if len(own) > 1 and x.bound & set(own):
        raise Unreadable
    return x


@rule(
    "sum",
    "mean",
    "amax",
    "amin",
    "any",
    "all",
    "logsumexp",
    "var",
    "prod",
    "argmax",
    "argmin",
    "linalg_vector_norm",
    only=0,
)
def reduce(node: Node, forms: Forms) -> Form:
    """Join the entries along axes."""
    x = _form(_args(node)[0], forms)
    name = _name(node)
    skipped = {"sum": (ZERO,), "mean": (ZERO,), "amax": HIDES, "logsumexp": HIDES, "any": (ZERO,)}
    first = 2 if name == "linalg_vector_norm" else 1
    given = _args(node)[first] if len(_args(node)) > first else None
    axes = range(len(x.axes)) if given in (None, []) else [given] if isinstance(given, int) else given
    axes = {axis % len(x.axes) for axis in axes}
    keep = bool(_args(node)[first + 1] if len(_args(node)) > first + 1 else node.kwargs.get("keepdim", False))
    found = x.without((f for axis in axes for f in x.axes[axis]), skipped.get(name, ()))
    kept = [() if axis in axes else own for axis, own in enumerate(found.axes) if keep or axis not in axes]
    return found.with_axes(kept)


@rule("_softmax", "_log_softmax", "_safe_softmax", only=0)
def softmax(node: Node, forms: Forms) -> Form:
    """Join the entries along an axis that minus infinity does not hide; what is hidden becomes zero."""
    x = _form(_args(node)[0], forms)
    axis = _number(node, 1) % len(x.axes)
    found = x.without(x.axes[axis], HIDES)
    low = tuple(each for each in x.regions if each.known in HIDES)
    if "log" not in _name(node):
        low = tuple(replace(each, known=ZERO) for each in low)
    return replace(found, regions=low)


@rule("mm", "bmm", "matmul", "addmm", "baddbmm", "mv", "dot")
def product(node: Node, forms: Forms) -> Form:
    """Join the products along an axis where neither factor is zero."""
    first = 1 if "add" in _name(node) else 0
    a, b = (_form(each, forms).fresh() for each in _args(node)[first : first + 2])
    if len(a.axes) < 2 or len(b.axes) < 2:
        raise Unreadable
    last = len(b.axes) - 2
    if b.bound & set(b.axes[last]):
        a, b = renamed(a, len(a.axes) - 1, b.axes[last]), b
    else:
        b = renamed(b, last, a.axes[-1])
    shared = a.axes[-1]
    for axis in range(last):
        b = renamed(b, axis, a.axes[axis])
    axes = (*a.axes[:-1], b.axes[-1])
    every = Form((*a.axes, b.axes[-1]), joined(a, b), (*a.regions, *b.regions))
    found = Form(axes, every.without(shared, (ZERO,)).delays)
    if not first:
        return found
    bias, found = broadcast([_form(_args(node)[0], forms), found])
    return Form(found.axes, joined(bias, found))


@rule("convolution", only=0)
def convolution(node: Node, forms: Forms) -> Form:
    """Read a window: the last tap is ``(width - 1) * dilation - padding`` ahead."""
    x, weight = _form(_args(node)[0], forms).bare(), _args(node)[1]
    stride, padding, dilation, transposed = (_args(node)[number] for number in (3, 4, 5, 6))
    assert isinstance(weight, Node)
    taps = _shape(weight)[2:]
    shape = _shape(node)
    if transposed or any(factor in x.delays for factor in x.axes[1]):
        raise Unreadable
    for number, width in enumerate(taps):
        axis = number + 2
        own, new = x.axes[axis], factors_of(shape[axis])
        if own and any(factor in x.delays for factor in own):
            if len(own) != 1 or stride[number] != 1:
                raise Unreadable
            ahead = (width - 1) * dilation[number] - padding[number]
            x = x.substitute(own[0], new[0], ahead)
        else:
            x = x.with_axes((*x.axes[:axis], new, *x.axes[axis + 1 :]))
    return x.with_axes((x.axes[0], factors_of(shape[1]), *x.axes[2:]))


@rule("native_layer_norm", "_fused_rms_norm", only=0)
def layer_norm(node: Node, forms: Forms) -> tuple[Form, ...]:
    """Join the entries along the last axes."""
    x = _form(_args(node)[0], forms)
    count = len(_args(node)[1])
    found = x.without((f for axis in x.axes[-count:] for f in axis), ())
    return tuple(Form(found.axes, found.delays) for _ in range(3))


@rule("embedding", only=1)
def embedding(node: Node, forms: Forms) -> Form:
    """Read the row that an id chooses."""
    ids = _form(_args(node)[1], forms)
    return Form((*ids.axes, factors_of(_shape(node)[-1])), ids.delays)


@rule("index", "index_select", "gather")
def index(node: Node, forms: Forms) -> Form:
    """Read whole axes along which indices are tensors; sums of indices shift the index."""
    x = _form(_args(node)[0], forms)
    if x.delays:
        raise Unreadable
    chosen = [forms[each] for each in node.all_input_nodes[1:] if each in forms]
    delays = joined(*chosen)
    if not delays:
        return _looked_up(x, node, forms)
    if len(chosen) != 1 or _name(node) != "index" or len(_args(node)[1]) != 1:
        raise Unreadable
    ids = chosen[0]
    return Form((*ids.axes, *Form.of(_shape(node)).axes[len(ids.axes) :]), ids.delays)


def _looked_up(x: Form, node: Node, forms: Forms) -> Form:
    """Know the sums of indices that sums of indices choose, as in masks of positions that are looked up."""
    form = Form.of(_shape(node))
    places = _args(node)[1]
    if _name(node) != "index" or x.numbers is None or len(places) != len(x.axes) or None in places:
        return form
    ids = broadcast(forms[each] for each in places)
    if any(at.numbers is not None and at.numbers.may_be_negative for at in ids):
        return form  # a negative index counts from the end
    numbers = Affine({}, x.numbers.constant)
    for axis, at in zip(x.axes, ids, strict=True):
        for factor in axis:
            coefficient = x.numbers.coefficients.get(factor, 0)
            if coefficient and (at.numbers is None or len(axis) > 1):
                return form
            numbers = numbers.plus(at.numbers or Affine(), coefficient)
    return Form(ids[0].axes, numbers=numbers)


def _number(node: Node, position: int) -> int:
    number = _args(node)[position]
    assert isinstance(number, int)
    return number


def _is_whole(node: Node) -> bool:
    """Whether a bitwise operation is one of whole numbers, not of truth values."""
    return _name(node).startswith("bitwise") and node.meta["val"].dtype != torch.bool


def _name(node: Node) -> str:
    assert isinstance(node.target, torch._ops.OpOverload)
    return node.target._opname


def _overload(node: Node) -> str:
    assert isinstance(node.target, torch._ops.OpOverload)
    return node.target._overloadname
