"""Elementwise operations, which read one entry of each argument at the index of the result."""

from typing import Any

import numpy as np
import torch

from scanproof.programs.compact import Array
from scanproof.programs.facts import (
    ADD,
    AND,
    ANY,
    DIV,
    EXACT,
    LOW,
    MAXIMUM,
    MINIMUM,
    MUL,
    NINF,
    ONE,
    OR,
    SUB,
    XOR,
    ZERO,
    fact_of,
    table,
)
from scanproof.programs.labels import Parts, Reader, State
from scanproof.programs.program import Node, Value
from scanproof.programs.table import row


@row(
    "atan2", "copysign", "fmod", "remainder", "floor_divide", "eq", "ne", "lt", "le", "gt", "ge", "acos",
    "acosh", "cosh", "digamma", "lgamma", "polygamma", "erfc", "erfinv", "log10", "log2", "logit",
    "nextafter", "hypot", "lerp", "addcmul", "addcdiv", "heaviside", "gcd", "lcm", "frexp", "xlogy",
    "special_xlog1py", "special_i0e", "igamma", "igammac", "threshold", "celu", "elu", "hardsigmoid",
    "softshrink", "hardshrink", "isnan", "isposinf", "signbit", "_prelu_kernel", "complex", "polar",
    "_conj", "_conj_physical", "angle", "sgn", "frac", "bitwise_left_shift", "bitwise_right_shift",
    "fmax", "fmin", "sinc", "logaddexp", "logaddexp2", "logit_backward", "sigmoid_backward",
    "tanh_backward", "threshold_backward", "gelu_backward", "silu_backward", "elu_backward",
    "softplus_backward", "leaky_relu_backward", "hardtanh_backward", "hardsigmoid_backward",
    "hardswish_backward", "log_sigmoid_backward", "mish_backward", "native_dropout_backward",
    "_prelu_kernel_backward", "asinh", "atanh", "log_sigmoid_forward",
)  # fmt: skip
def pointwise(reader: Reader, node: Node) -> list[State]:
    """Read every argument at the index of the result."""
    parts = reader.parts(node.reads[0]) if len(node.reads) == 1 else reader.all_of(node.reads)
    return [State(parts)] * len(node.outputs)


_ODD = table(ZERO=ZERO)
_UNARY: dict[str, Array] = {
    **dict.fromkeys(
        ("sin", "tan", "tanh", "asin", "atan", "sinh", "erf", "expm1", "log1p", "gelu", "mish", "leaky_relu"),
        _ODD,
    ),
    "neg": _ODD,
    "abs": table(ZERO=ZERO, ONE=ONE),
    "sqrt": table(ZERO=ZERO, ONE=ONE),
    "square": table(ZERO=ZERO, ONE=ONE),
    "sign": table(ZERO=ZERO, ONE=ONE),
    "rsqrt": table(ONE=ONE),
    "reciprocal": table(ONE=ONE, NINF=ZERO),
    "cos": table(ZERO=ONE),
    "exp": table(ZERO=ONE, NINF=ZERO, LOW=ZERO),
    "exp2": table(ZERO=ONE, NINF=ZERO, LOW=ZERO),
    "sigmoid": table(NINF=ZERO, LOW=ZERO),
    "softplus": table(NINF=ZERO, LOW=ZERO),
    "silu": table(ZERO=ZERO, LOW=ZERO),
    "hardswish": table(ZERO=ZERO, LOW=ZERO),
    "relu": table(ZERO=ZERO, ONE=ONE, NINF=ZERO, LOW=ZERO),
    "log": table(ZERO=NINF, ONE=ZERO),
    **dict.fromkeys(
        ("round", "floor", "ceil", "trunc", "fix"), table(ZERO=ZERO, ONE=ONE, NINF=NINF, LOW=LOW)
    ),
    "logical_not": table(ZERO=ONE, ONE=ZERO, NINF=ZERO, LOW=ZERO),
    "isinf": table(ZERO=ZERO, ONE=ZERO, NINF=ONE),
    "isneginf": table(ZERO=ZERO, ONE=ZERO, NINF=ONE),
    "nan_to_num": table(ZERO=ZERO, ONE=ONE, NINF=LOW, LOW=LOW),
    "clone": np.arange(5, dtype=np.uint8),
}


@row(*_UNARY)
def unary(reader: Reader, node: Node) -> State:
    """Read one entry; some facts about this entry give facts about the result."""
    fact = reader.fact(node.reads[0])
    if fact is None:
        return State(reader.parts(node.reads[0]))
    return _by_table(reader, node.reads[0], fact, _UNARY[node.op.overloadpacket.__name__])


def _by_table(reader: Reader, value: Value, fact: Array, facts: Array) -> State:
    if (facts[LOW] == ZERO) and (fact == LOW).any():
        reader.assumed.low = True
    new = facts[fact]
    return State(reader.parts(value), new if new.any() else None)


@row("_to_copy")
def cast(reader: Reader, node: Node) -> State:
    """Read one entry, in another dtype."""
    value = node.reads[0]
    fact = reader.fact(value)
    if fact is None:
        return State(reader.parts(value))
    to, made = node.outputs[0], np.arange(5, dtype=np.uint8)
    if to is not None and to.dtype == torch.bool:
        made = table(ZERO=ZERO, ONE=ONE, NINF=ONE, LOW=ONE)
    elif to is not None and not to.dtype.is_floating_point:
        made = table(ZERO=ZERO, ONE=ONE)
    return _by_table(reader, value, fact, made)


@row(
    "alias",
    "detach",
    "lift_fresh",
)
def same(reader: Reader, node: Node) -> State:
    """Return the argument."""
    value = node.reads[0]
    return State(reader.state(value).parts, reader.fact(value))


@row("bitwise_not")
def bitwise_not(reader: Reader, node: Node) -> State:
    """Negate truth values; other numbers give no facts."""
    value = node.reads[0]
    fact = reader.fact(value)
    if fact is None or value.dtype != torch.bool:
        return State(reader.parts(value))
    return _by_table(reader, value, fact, table(ZERO=ONE, ONE=ZERO))


@row("clamp", "clamp_min", "clamp_max", "hardtanh")
def clamp(reader: Reader, node: Node) -> State:
    """Clamp an entry; numbers within the bounds do not change."""
    fact = reader.fact(node.reads[0])
    if fact is None or len(node.reads) > 1:
        return State(reader.all_of(node.reads))
    name = node.op.overloadpacket.__name__
    bounds = [*node.args[1:], None, None][:2]
    lower, upper = (None, bounds[0]) if name == "clamp_max" else bounds
    lower, upper = node.kwargs.get("min", lower), node.kwargs.get("max", upper)
    if name == "hardtanh":
        lower, upper = (node.args[1], node.args[2]) if len(node.args) > 2 else (-1.0, 1.0)
    made = np.zeros(5, np.uint8)
    for known, number in ((ZERO, 0.0), (ONE, 1.0), (NINF, -np.inf)):
        bounded = number if lower is None else max(number, lower)
        made[known] = fact_of(bounded if upper is None else min(bounded, upper))
    made[LOW] = LOW if lower is None else fact_of(lower) if lower >= -1 else ANY
    return State(reader.parts(node.reads[0]), made[fact] if made[fact].any() else None)


def _scaled(node: Node) -> bool:
    return node.kwargs.get("alpha", 1) != 1 or (len(node.args) > 2 and node.args[2] != 1)


_BINARY = {
    "add": ADD,
    "sub": SUB,
    "mul": MUL,
    "div": DIV,
    "logical_and": AND,
    "logical_or": OR,
    "logical_xor": XOR,
    "maximum": MAXIMUM,
    "minimum": MINIMUM,
}
_BITWISE = {"bitwise_and": AND, "bitwise_or": OR, "bitwise_xor": XOR}


@row(*_BINARY, "rsub")
def binary(reader: Reader, node: Node) -> State:
    """Read two entries, or an entry and a number; a known 0 makes a product 0, and so on."""
    name = node.op.overloadpacket.__name__
    one, other = node.args[:2]
    if name == "rsub":
        one, other, name = other, one, "sub"
    first, second = reader.fact(one), reader.fact(other)
    if first is None and second is None:
        return State(reader.all_of((one, other)))
    if name in ("mul", "div") and _hides(first, second):
        return _times_number(reader, name, one, other, first, second)
    facts = _BINARY[name]
    if (name in ("add", "sub") and _scaled(node)) or node.kwargs.get("rounding_mode"):
        facts = _zeros_only(facts)
    elif name in ("add", "sub") and _hides(first, second) and _lifts(reader, name, one, other):
        facts = facts.copy()
        facts[LOW, ANY] = facts[ANY, LOW] = ANY
    return combined(reader, (one, first), (other, second), facts)


@row(*_BITWISE)
def bitwise(reader: Reader, node: Node) -> State:
    """Combine truth values; of other numbers, 0 & x is 0 and 0 | x is x."""
    one, other = node.args[:2]
    first, second = reader.fact(one), reader.fact(other)
    if first is None and second is None:
        return State(reader.all_of((one, other)))
    name = node.op.overloadpacket.__name__
    facts = _BITWISE[name]
    if any(value.dtype != torch.bool for value in node.reads):
        facts = _zeros_only(facts)
    return combined(reader, (one, first), (other, second), facts)


def _zeros_only(facts: Array) -> Array:
    kept = np.zeros_like(facts)
    kept[ZERO, ZERO] = facts[ZERO, ZERO]
    if facts is AND:
        kept[ZERO, :] = kept[:, ZERO] = ZERO
    return kept


def combined(
    reader: Reader, one: tuple[Any, Array | None], other: tuple[Any, Array | None], facts: Array
) -> State:
    """Return the state of a binary operation whose facts are those of a table."""
    (a, first), (b, second) = one, other
    nothing = np.array(ANY, np.uint8)
    new = facts[nothing if first is None else first, nothing if second is None else second]
    unknown = (nothing if first is None else first) == ANY
    unknown = unknown | ((nothing if second is None else second) == ANY)
    if (EXACT[new] & unknown).any():
        reader.assumed.finite = True
    exact = EXACT[facts]
    parts = reader.joined(_labels(reader, a, first, exact), _labels(reader, b, second, exact.T))
    return State(parts, new if new.any() else None)


def _labels(reader: Reader, value: Any, fact: Array | None, exact: Array) -> Parts | None:
    """Return labels without known entries; labels under an exact result need not be cleared."""
    if not isinstance(value, Value):
        return None
    if fact is None or all(exact[known].all() or not (fact == known).any() for known in (ZERO, ONE, NINF)):
        return reader.state(value).parts
    return reader.parts(value)


def _hides(first: Array | None, second: Array | None) -> bool:
    return any(fact is not None and (fact >= NINF).any() for fact in (first, second))


LARGE = 5e3
"""A known number above this one may lift an entry that a large negative number masks."""


def _lifts(reader: Reader, name: str, one: Any, other: Any) -> bool:
    """Whether a sum or a difference takes a large known number to entries that are masked."""
    return _exceeds(reader, one, 1) or _exceeds(reader, other, -1 if name == "sub" else 1)


def _exceeds(reader: Reader, value: Any, sign: int) -> bool:
    """Whether a known number, times a sign, is large."""
    if not isinstance(value, Value):
        return bool(sign * value > LARGE)
    tensor = reader.tensor(value)
    if tensor is None or not tensor.numel() or tensor.is_complex():
        return False
    return bool((sign * tensor.float()).max() > LARGE)


def _times_number(
    reader: Reader, name: str, one: Any, other: Any, first: Array | None, second: Array | None
) -> State:
    """Scale masked entries by a positive number; they stay masked unless the product becomes small."""
    if name == "mul" and _positive(reader, one) is not None:
        one, other, first, second = other, one, second, first
    least = _positive(reader, other)
    if least is None or first is None:
        return combined(reader, (one, first), (other, second), MUL if name == "mul" else DIV)
    scale = least if name == "mul" else 1 / least
    made = table(ZERO=ZERO, NINF=NINF, **({"LOW": LOW} if scale >= 1 / 16 else {}))
    new = made[first]
    return State(reader.joined(reader.parts(one), reader.parts(other)), new if new.any() else None)


def _positive(reader: Reader, value: Any) -> float | None:
    """Return a known positive number, also that of a uniform constant; None for other values."""
    if not isinstance(value, Value):
        return float(value) if value > 0 else None
    tensor = reader.tensor(value)
    if tensor is None or not tensor.numel() or tensor.is_complex():
        return None
    least, greatest = tensor.min().item(), tensor.max().item()
    return float(least) if least > 0 and (least == greatest or tensor.numel() == 1) else None


@row("pow")
def power(reader: Reader, node: Node) -> State:
    """Raise to a power; 0 and 1 do not change for positive exponents."""
    base, exponent = node.args[:2]
    fact = reader.fact(base)
    if fact is None or isinstance(exponent, Value) or exponent <= 0:
        return State(reader.all_of(node.reads))
    return _by_table(reader, base, fact, table(ZERO=ZERO, ONE=ONE))


@row("where.self", "where.ScalarSelf", "where.ScalarOther", "where.Scalar")
def where(reader: Reader, node: Node) -> State:
    """Read the condition, and the selected argument where the condition is known."""
    return chosen(reader, *node.args[:3])


@row("masked_fill")
def masked_fill(reader: Reader, node: Node) -> State:
    """Read the mask, and the tensor except at entries that are known to be replaced."""
    x, mask, number = node.args[:3]
    return chosen(reader, mask, number, x)


def chosen(reader: Reader, condition: Value, yes: Any, no: Any) -> State:
    """Return the state of ``yes`` where a condition holds and ``no`` where it does not."""
    decided = reader.fact(condition)
    first, second = reader.fact(yes), reader.fact(no)
    nothing = np.array(ANY, np.uint8)
    a, b = (nothing if fact is None else fact for fact in (first, second))
    if decided is None:
        fact = np.where(a == b, a, ANY).astype(np.uint8)
        parts = reader.all_of((condition, yes, no))
        return State(parts, fact if fact.any() else None)
    true, false = decided == ONE, decided == ZERO
    fact = np.where(true, a, np.where(false, b, np.where(a == b, a, ANY))).astype(np.uint8)
    ours, theirs = (reader.parts(value) or reader.bottoms() for value in (yes, no))
    either = reader.joined(reader.parts(condition), reader.joined(ours, theirs)) or reader.bottoms()
    parts = tuple(
        np.where(true, one, np.where(false, other, both))
        for one, other, both in zip(ours, theirs, either, strict=True)
    )
    return State(parts, fact if fact.any() else None)
