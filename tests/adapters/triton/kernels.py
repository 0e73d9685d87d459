"""Small kernels, right and wrong, that the tests of the interpreter launch."""
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
# ruff: noqa: ANN001, ANN201, ANN202

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.language import exp
from triton.language.extra import libdevice

halved = tl.abs  # a name of this module for a function of the language


@triton.jit
def calculate(x, y, out, N: tl.constexpr, WHICH: tl.constexpr):
    """Write one operation on two blocks."""
    at = tl.arange(0, N)
    a, b = tl.load(x + at), tl.load(y + at)
    if WHICH == "add":
        result = a + b
    elif WHICH == "sub":
        result = a - b
    elif WHICH == "mul":
        result = a * b
    elif WHICH == "div":
        result = (a / b).to(a.dtype)
    elif WHICH == "neg":
        result = -a
    elif WHICH == "less":
        result = tl.where(a < b, a, b)
    elif WHICH == "max":
        result = tl.maximum(a, b)
    elif WHICH == "clamp":
        result = tl.clamp(a, -b, b)
    elif WHICH == "fma":
        result = tl.fma(a, b, b)
    elif WHICH == "cumsum":
        result = tl.cumsum(a, 0)
    elif WHICH == "to":
        result = a
    elif WHICH == "rtz":
        result = a.to(out.dtype.element_ty, fp_downcast_rounding="rtz")
    tl.store(out + at, result.to(out.dtype.element_ty))


@triton.jit
def total(x, out, N: tl.constexpr, WHICH: tl.constexpr):
    """Write the sum, the maximum or the scan of a block."""
    at = tl.arange(0, N)
    block = tl.load(x + at)
    if WHICH == "sum":
        tl.store(out, tl.sum(block, 0))
    elif WHICH == "max":
        tl.store(out, tl.max(block, 0))
    elif WHICH == "reduce":
        tl.store(out, tl.reduce(block, 0, _add))
    elif WHICH == "scan":
        tl.store(out + at, tl.associative_scan(block, 0, _add))
    elif WHICH == "reversed":
        tl.store(out + at, tl.associative_scan(block, 0, _add, reverse=True))


@triton.jit
def _add(a, b):
    return a + b


@triton.jit
def _compose(a, b, c, d):
    return a * c, b * c + d


@triton.jit
def recurrence(a, b, out, N: tl.constexpr, M: tl.constexpr):
    """Write ``h' = a h + b`` along the first axis by a scan of pairs."""
    at = tl.arange(0, N)[:, None] * M + tl.arange(0, M)[None, :]
    _, h = tl.associative_scan((tl.load(a + at), tl.load(b + at)), 0, _compose)
    tl.store(out + at, h)


@triton.jit
def multiply(x, y, out, N: tl.constexpr, PRECISION: tl.constexpr):
    """Write the product of two square blocks."""
    at = tl.arange(0, N)[:, None] * N + tl.arange(0, N)[None, :]
    if PRECISION == "allowed":
        z = tl.dot(tl.load(x + at), tl.load(y + at), allow_tf32=True)
    elif PRECISION == "not allowed":
        z = tl.dot(tl.load(x + at), tl.load(y + at), allow_tf32=False)
    elif PRECISION == "default":
        z = tl.dot(tl.load(x + at), tl.load(y + at))
    else:
        z = tl.dot(tl.load(x + at), tl.load(y + at), input_precision=PRECISION)
    tl.store(out + at, z)


@triton.jit
def eighth(x, out, N: tl.constexpr):
    """Cast to a float8 and back."""
    at = tl.arange(0, N)
    tl.store(out + at, tl.load(x + at).to(tl.float8e5).to(tl.float32))


@triton.jit
def idioms(x, out, n, N: tl.constexpr):
    """Use what the interpreter needs help with: loop variables, aliases, integer masks, libdevice."""
    at = tl.arange(0, N)
    for i in range(n):
        row = i.to(tl.int64) * N  # type: ignore[attr-defined]  # a scalar of Triton
        block = tl.load(x + row + at, mask=(at < N).to(tl.int32), other=0.0)
        tl.store(out + row + at, halved(block) + exp(block) + libdevice.tanh(block))


@triton.autotune([triton.Config({"N": 8}, num_warps=1), triton.Config({"N": 16})], key=[])
@triton.jit
def tuned(out, N: tl.constexpr):
    """Write the tile that the autotuner chose."""
    tl.store(out, N)


@triton.jit
def copy(x, out, length, shift, N: tl.constexpr):
    """Copy ``length`` entries, shifted."""
    at = tl.program_id(0) * N + tl.arange(0, N)
    tl.store(out + at, tl.load(x + at + shift, at < length, 0.0), at < length)


@triton.jit
def share(out, WHICH: tl.constexpr, N: tl.constexpr):
    """Let all programs write to one entry, or to entries of each other."""
    i, at = tl.program_id(0), tl.arange(0, N)
    if WHICH == "different":
        tl.store(out, i)
    elif WHICH == "equal":
        tl.store(out, 7)
    elif WHICH == "atomic":
        tl.atomic_add(out, i)
    elif WHICH == "atomic and plain":
        tl.atomic_add(out, 1)
        tl.store(out + 1 + i, tl.load(out))
    elif WHICH == "neighbour":
        tl.store(out + i, tl.load(out + i + 1) + 1)
    elif WHICH == "own":
        tl.store(out + i, tl.load(out + i) + 1)
    elif WHICH == "lanes":
        tl.store(out + i * N + at // 2, at)
    elif WHICH == "equal lanes":
        tl.store(out + i * N + at // 2, at // 2)


@triton.jit
def locked(lock, out, LOCK: tl.constexpr):
    """Add 1 to an entry under a lock."""
    if LOCK:
        while tl.atomic_cas(lock, 0, 1) == 1:
            pass
    tl.store(out, tl.load(out) + 1)
    if LOCK:
        tl.atomic_xchg(lock, 0)


@triton.jit
def wait(flag):
    """Let the second program wait for the first one."""
    if tl.program_id(0) == 0:
        tl.atomic_xchg(flag, 1)
    else:
        while tl.atomic_add(flag, 0) == 0:
            pass


@triton.jit
def products(q, k, v, y, T, K: tl.constexpr, V: tl.constexpr):
    """Add the value of one earlier token to one output, atomically."""
    t, s, head = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    c, r = tl.arange(0, K), tl.arange(0, V)
    if s <= t:
        weight = tl.sum(tl.load(q + (head * T + t) * K + c) * tl.load(k + (head * T + s) * K + c), 0)
        tl.atomic_add(y + (head * T + t) * V + r, weight * tl.load(v + (head * T + s) * V + r))


def atomic_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Return linear attention, added up atomically."""
    (batch, T, heads, K), V = q.shape, v.shape[-1]
    q, k, v = (x.transpose(1, 2).reshape(batch * heads, T, -1).contiguous() for x in (q, k, v))
    y = torch.zeros_like(v)
    products[(T, T, batch * heads)](q, k, v, y, T, K, V)
    return y.reshape(batch, heads, T, V).transpose(1, 2)


@triton.jit
def described(x, out, rows, R: tl.constexpr, C: tl.constexpr):
    """Copy a matrix by tensor descriptors of ``rows`` rows."""
    source = tl.make_tensor_descriptor(x, shape=[rows, C], strides=[C, 1], block_shape=[R, C])
    target = tl.make_tensor_descriptor(out, shape=[rows, C], strides=[C, 1], block_shape=[R, C])
    at = tl.program_id(0) * R
    target.store([at, 0], source.load([at, 0]))


@triton.jit
def given_descriptor(source, out, R: tl.constexpr, C: tl.constexpr):
    """Copy a block by a descriptor that the host made."""
    at = tl.arange(0, R)[:, None] * C + tl.arange(0, C)[None, :]
    tl.store(out + at, source.load([0, 0]))


@triton.jit
def accumulate(x, out, WHICH: tl.constexpr, N: tl.constexpr):
    """Add up, or take the maximum of, blocks atomically."""
    block = tl.load(x + tl.program_id(0) * N + tl.arange(0, N))
    if WHICH == "add":
        tl.atomic_add(out + tl.arange(0, N) // 2, block)
    else:
        tl.atomic_max(out + tl.arange(0, N) // 2, block)


@triton.jit
def chosen(pointers, out, N: tl.constexpr):
    """Read one of two tensors of a tuple, by a branch on the pointer."""
    i, at = tl.program_id(0), tl.arange(0, N)
    pointer = tl.where(i == 0, pointers[0] + at, pointers[1] + at)
    tl.store(out + i * N + at, tl.load(pointer))


@triton.jit
def indirect(table, out):
    """Read through an address that a tensor holds."""
    tl.store(out, tl.load(tl.load(table).to(tl.pointer_type(tl.float32))))
