"""Linear attention in chunks as Triton kernels, with a backward pass: what ``scanproof kernel`` is shown on.

The state is a sum of outer products ``k vᵀ``. One kernel adds up the state before each chunk. Another kernel
multiplies the queries of a chunk with that state and with the keys of the chunk.
"""
# Kernels have no annotations of Python's types.
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-decorators, allow-untyped-calls
# ruff: noqa: ANN001, ANN201, ANN205

import torch
import triton
import triton.language as tl
from torch import Tensor

CHUNK = 16


@triton.jit
def states_kernel(k, v, state, T, K: tl.constexpr, V: tl.constexpr, CHUNK: tl.constexpr):
    """Write the state before each chunk, and after the last one, for one example and head."""
    i = tl.program_id(0)
    chunks = tl.cdiv(T, CHUNK)
    t, c, r = tl.arange(0, CHUNK), tl.arange(0, K), tl.arange(0, V)
    total = tl.zeros((K, V), tl.float32)
    for n in range(chunks):
        tl.store(state + ((i * (chunks + 1) + n) * K + c[:, None]) * V + r[None, :], total)
        row = n * CHUNK + t
        inside = row[:, None] < T
        keys = tl.load(k + (i * T + row[:, None]) * K + c[None, :], inside, 0.0)
        values = tl.load(v + (i * T + row[:, None]) * V + r[None, :], inside, 0.0)
        total += tl.dot(tl.trans(keys), values, input_precision="ieee")
    tl.store(state + ((i * (chunks + 1) + chunks) * K + c[:, None]) * V + r[None, :], total)


@triton.jit
def outputs_kernel(q, k, v, state, y, T, K: tl.constexpr, V: tl.constexpr, CHUNK: tl.constexpr):
    """Write the outputs of one chunk of one example and head."""
    i, n = tl.program_id(0), tl.program_id(1)
    chunks = tl.cdiv(T, CHUNK)
    t, c, r = tl.arange(0, CHUNK), tl.arange(0, K), tl.arange(0, V)
    row = n * CHUNK + t
    inside = row[:, None] < T
    queries = tl.load(q + (i * T + row[:, None]) * K + c[None, :], inside, 0.0)
    keys = tl.load(k + (i * T + row[:, None]) * K + c[None, :], inside, 0.0)
    values = tl.load(v + (i * T + row[:, None]) * V + r[None, :], inside, 0.0)
    before = tl.load(state + ((i * (chunks + 1) + n) * K + c[:, None]) * V + r[None, :])
    weights = tl.dot(queries, tl.trans(keys), input_precision="ieee")
    weights = tl.where(t[:, None] >= t[None, :], weights, 0.0)
    result = tl.dot(queries, before, input_precision="ieee")
    result += tl.dot(weights, values, input_precision="ieee")
    tl.store(y + (i * T + row[:, None]) * V + r[None, :], result, inside)


def run(q: Tensor, k: Tensor, v: Tensor, start: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the outputs and the last state for tensors (batch, time, head, size)."""
    (batch, T, heads, K), V = q.shape, v.shape[-1]
    q, k, v = (x.transpose(1, 2).reshape(batch * heads, T, -1).contiguous() for x in (q, k, v))
    chunks = triton.cdiv(T, CHUNK)
    state = q.new_empty(batch * heads, chunks + 1, K, V)
    y = torch.empty_like(v)
    sizes = {"T": T, "K": K, "V": V, "CHUNK": CHUNK}
    states_kernel[(batch * heads,)](k, v, state, **sizes)
    if start is not None:
        state += start.reshape(batch * heads, 1, K, V)
    outputs_kernel[(batch * heads, chunks)](q, k, v, state, y, **sizes)
    return (
        y.reshape(batch, heads, T, V).transpose(1, 2),
        state[:, -1].reshape(batch, heads, K, V),
    )


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v):
        ctx.save_for_backward(q, k, v)
        return run(q, k, v)

    @staticmethod
    def backward(ctx, dy, dlast):
        q, k, v = ctx.saved_tensors
        dq, _ = run(dy, v, k)
        # The gradients at keys and values go from the last token to the first.
        back = [x.flip(1) for x in (q, k, v, dy)]
        dk, _ = run(back[2], back[3], back[0], dlast.transpose(-1, -2))
        dv, _ = run(back[1], back[0], back[3], dlast)
        return dq, dk.flip(1), dv.flip(1)


def attention(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Return y and the last state of linear attention: ``s' = s + k vᵀ``, ``y = s'ᵀ q``.

    Args:
        q: queries (batch, time, head, state).
        k: keys, of the same shape.
        v: values (batch, time, head, channel).
    """
    y, last = _Attention.apply(q, k, v)
    return y, last
