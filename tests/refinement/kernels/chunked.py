"""Forms by chunks whose products of matrices take shorter factors, as tensor cores do; backwards, too."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def cut_to_tf32(x: Tensor) -> Tensor:
    """Keep 10 bits of the fraction."""
    return (x.contiguous().view(torch.int32) & -(2**13)).view(torch.float32)


def nearest_tf32(x: Tensor) -> Tensor:
    return ((x.contiguous().view(torch.int32) + 2**12) & -(2**13)).view(torch.float32)


def nearest_bf16(x: Tensor) -> Tensor:
    return x.bfloat16().float()


def products(factors: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """Return a product of matrices that takes its factors through ``factors``, in its gradients, too."""

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, x: Tensor, y: Tensor) -> Tensor:
            context.save_for_backward(x, y)
            return factors(x) @ factors(y)

        @staticmethod
        def backward(context: Any, g: Tensor) -> tuple[Tensor, Tensor]:
            x, y = context.saved_tensors
            return factors(g) @ factors(y).mT, factors(x).mT @ factors(g)

    return Product.apply


Product = Callable[[Tensor, Tensor], Tensor]


def pieces(size: int, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Yield chunks of (batch, time, head, …) as (batch, head, time, …)."""
    for start in range(0, tensors[0].shape[1], size):
        yield tuple(x[:, start : start + size].transpose(1, 2) for x in tensors)


def joined(outputs: list[Tensor]) -> Tensor:
    return torch.cat(outputs, 2).transpose(1, 2)


def attention(
    mm: Product,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    g: Tensor | None = None,
    initial_state: Tensor | None = None,
    scale: float = 0.5,
    size: int = 4,
) -> tuple[Tensor, Tensor]:
    """Queries and keys decayed by themselves."""
    g = torch.zeros_like(k[..., :1]) if g is None else g
    s = v.new_zeros(len(v), v.shape[2], k.shape[3], v.shape[3]) if initial_state is None else initial_state
    ys = []
    for Q, K, V, G in pieces(size, scale * q, k, v, g):
        G = G.cumsum(2)
        Q = Q * G.exp()
        ys.append(mm(mm(Q, (K * (-G).exp()).mT).tril(), V) + mm(Q, s))
        last = G[:, :, -1:]
        s = last.mT.exp() * s + mm((K * (last - G).exp()).mT, V)
    return joined(ys), s


def rwkv6(
    mm: Product,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    w: Tensor,
    u: Tensor,
    initial_state: Tensor,
    scale: float = 0.5,
    size: int = 4,
) -> tuple[Tensor, Tensor]:
    s, ys = initial_state, []
    for Q, K, V, W in pieces(size, scale * q, k, v, w):
        after = W.cumsum(2)
        before = after - W
        scores = mm(Q * before.exp(), (K * (-after).exp()).mT).tril(-1)
        own = (Q * u[:, None] * K).sum(-1)
        ys.append(mm(scores + torch.diag_embed(own), V) + mm(Q * before.exp(), s))
        last = after[:, :, -1:]
        s = last.mT.exp() * s + mm((K * (last - after).exp()).mT, V)
    return joined(ys), s


def ssd(
    mm: Product,
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    z: Tensor,
    dt_bias: Tensor,
    initial_state: Tensor,
    size: int = 4,
    carry: bool = False,
) -> tuple[Tensor, Tensor]:
    """Mamba-2's scan; ``carry``: states go from chunk to chunk by a product of matrices, too."""
    dt = functional.softplus(dt + dt_bias)
    B, C = (each.repeat_interleave(x.shape[2] // each.shape[2], 2) for each in (B, C))
    reads, added, inside, decays = [], [], [], []
    for X, dt_, B_, C_ in pieces(size, x, dt, B, C):
        G = (dt_ * A[:, None]).cumsum(-1)
        pairs = (G[..., :, None] - G[..., None, :]).exp().tril()
        inside.append(mm(mm(C_, B_.mT) * pairs, dt_[..., None] * X))
        reads.append(C_ * G.exp()[..., None])
        ends = (G[..., -1:] - G).exp() * dt_
        added.append(mm((X * ends[..., None]).mT, B_))
        decays.append(G[..., -1])
    if carry:
        sums = torch.stack([torch.zeros_like(decays[0]), *decays], -1).cumsum(-1)
        over = (sums[..., :, None] - sums[..., None, :]).tril().exp().tril()
        whole = torch.stack([initial_state, *added], 2)
        states = mm(over, whole.flatten(3)).unflatten(3, whole.shape[3:]).unbind(2)
    else:
        states = [initial_state]
        for decay, new in zip(decays, added, strict=True):
            states.append(decay.exp()[..., None, None] * states[-1] + new)
    y = joined([within + mm(read, s.mT) for within, read, s in zip(inside, reads, states, strict=False)])
    return (y + D * x) * functional.silu(z), states[-1]


def mlstm(
    mm: Product,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    input_gate: Tensor,
    forget_gate: Tensor,
    scale: float = 0.5,
    eps: float = 0.01,
    size: int = 4,
) -> Tensor:
    """The state as it is, its normaliser one more channel."""
    logs = functional.logsigmoid(forget_gate)
    wide = torch.cat([v, torch.ones_like(v[..., :1])], -1)
    both, _ = attention(mm, q, input_gate.exp()[..., None] * k, wide, logs[..., None], None, scale, size)
    m, ms = torch.zeros_like(logs[:, 0]), []
    for t in range(q.shape[1]):
        m = torch.maximum(logs[:, t] + m, input_gate[:, t])
        ms.append(m)
    divisor = both[..., -1].abs().clamp(min=1.0) + eps * torch.stack(ms, 1).exp()
    return both[..., :-1] / divisor[..., None]


def delta(
    mm: Product,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    g: Tensor,
    beta: Tensor,
    initial_state: Tensor,
    scale: float = 0.5,
    size: int = 4,
) -> tuple[Tensor, Tensor]:
    """The WY form, its triangular systems solved in float32."""
    q, k = (x * (x.square().sum(-1, keepdim=True) + 1e-6).rsqrt() for x in (q, k))
    h, ys = initial_state, []
    for Q, K, V, G, b in pieces(size, q, k, v, g, beta):
        G, b = G[..., 0].cumsum(-1), b[..., None]
        between = (G[..., :, None] - G[..., None, :]).exp().tril()
        system = (mm(b * K, K.mT) * between).tril(-1) + torch.eye(Q.shape[2])
        inverse = torch.linalg.solve_triangular(system, torch.eye(Q.shape[2]).expand_as(system), upper=False)
        new = mm(inverse, b * V) - mm(mm(inverse, b * K * G.exp()[..., None]), h)
        ys.append(scale * (mm(Q * G.exp()[..., None], h) + mm((mm(Q, K.mT) * between).tril(), new)))
        h = G[..., -1].exp()[..., None, None] * h + mm((K * between[..., -1, :, None]).mT, new)
    return joined(ys), h


def generalized_delta(
    mm: Product,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    a: Tensor,
    b: Tensor,
    g: Tensor,
    initial_state: Tensor,
    scale: float = 0.5,
    size: int = 4,
    off: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """The WY form; ``off`` is a relative error of the corrections that a chunk hands on."""
    s, ys = initial_state, []
    for Q, K, V, A, B, G in pieces(size, scale * q, k, v, a, b, g):
        after = G.cumsum(2)
        Q, A = Q * after.exp(), A * (after - G).exp()
        K, B = K * (-after).exp(), B * (-after).exp()
        one = torch.eye(Q.shape[2], dtype=q.dtype)
        system = one - mm(A, B.mT).tril(-1)
        inverse = torch.linalg.solve_triangular(system, one.expand_as(system), upper=False)
        read = mm(inverse, mm(mm(A, K.mT).tril(-1), V)) + mm(mm(inverse, A), s)
        ys.append(mm(mm(Q, K.mT).tril(), V) + mm(mm(Q, B.mT).tril(), read) + mm(Q, s))
        last = after[:, :, -1:]
        K, B = K * last.exp(), B * last.exp()
        s = last.mT.exp() * s + mm(K.mT, V) + (1 + off) * mm(B.mT, read)
    return joined(ys), s


def comba(
    mm: Product,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    p: Tensor,
    beta: Tensor,
    g: Tensor,
    initial_state: Tensor,
    scale: float = 0.5,
    size: int = 4,
    off: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """The WY form; ``off`` is a relative error of what a chunk hands on."""
    s, ys = initial_state, []
    for Q, K, V, P, G, b in pieces(size, scale * q, k, v, p, g[..., 0], beta[..., None]):
        after = G.cumsum(-1)
        before = after - G
        pairs = (after[..., :, None] - after[..., None, :]).exp().tril()
        earlier = (before[..., :, None] - after[..., None, :]).exp().tril(-1)
        one = torch.eye(Q.shape[2], dtype=q.dtype)
        system = one + (mm(b * P, K.mT) * earlier).tril(-1)
        inverse = torch.linalg.solve_triangular(system, one.expand_as(system), upper=False)
        new = mm(inverse, b * V) - mm(mm(inverse, b * P * before.exp()[..., None]), s)
        ys.append(mm(Q * after.exp()[..., None], s) + mm((mm(Q, K.mT) * pairs).tril(), new))
        added = mm((K * pairs[..., -1, :, None]).mT, new)
        s = after[..., -1].exp()[..., None, None] * s + (1 + off) * added
    return joined(ys), s
