"""The families' recurrences in plain PyTorch, token after token, optional inputs present or absent.

Written from the formulas of the papers, independently of the twins, so that autograd's gradients are a second
opinion on the twins' adjoints.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from scanproof import (
    CausalConv1d,
    Comba,
    ComplexDiagonal,
    GatedDeltaRule,
    GatedLinearAttention,
    GatedNorm,
    GeneralizedDeltaRule,
    Kernel,
    LinearRecurrence,
    MinGru,
    MLstm,
    RgLru,
    Rwkv6,
    SelectiveScan,
    SsdScan,
)


def outer(k: Tensor, v: Tensor) -> Tensor:
    return k[..., :, None] * v[..., None, :]


def read(q: Tensor, state: Tensor) -> Tensor:
    return (q[..., None] * state).sum(-2)


def zeros(start: Tensor | None, like: Tensor, *shape: int) -> Tensor:
    return like.new_zeros(shape) if start is None else start


def selective(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    initial_state: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    h, ys = zeros(initial_state, u, len(u), *A.shape), []
    for t in range(u.shape[1]):
        dt = functional.softplus(delta[:, t] if delta_bias is None else delta[:, t] + delta_bias)
        b, c = (each[:, t].reshape(len(u), -1, 1, A.shape[1]) for each in (B, C))
        b, c = (each.expand(-1, -1, len(A) // each.shape[1], -1).flatten(1, 2) for each in (b, c))
        h = (dt[..., None] * A).exp() * h + (dt * u[:, t])[..., None] * b
        y = (h * c).sum(-1)
        y = y if D is None else y + D * u[:, t]
        ys.append(y if z is None else y * functional.silu(z[:, t]))
    return torch.stack(ys, 1), h


def convolution(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, initial_state: Tensor | None = None
) -> Tensor:
    width = weight.shape[1]
    before = zeros(initial_state, x, len(x), width - 1, x.shape[2])
    padded = torch.cat([before[:, before.shape[1] - width + 1 :], x], 1).transpose(1, 2)
    y = functional.conv1d(padded, weight[:, None], bias, groups=len(weight))
    return functional.silu(y).transpose(1, 2)


def ssd(
    x: Tensor,
    dt: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    dt_bias: Tensor | None = None,
    initial_state: Tensor | None = None,
    seq_idx: Tensor | None = None,
    limits: tuple[float, float | None] = (0.1, 2.0),
) -> tuple[Tensor, Tensor]:
    batch, time, heads, channels = x.shape
    h, ys = zeros(initial_state, x, batch, heads, channels, B.shape[-1]), []
    for t in range(time):
        step = functional.softplus(dt[:, t] if dt_bias is None else dt[:, t] + dt_bias).clamp(*limits)
        b, c = (each[:, t].repeat_interleave(heads // each.shape[2], 1) for each in (B, C))
        if seq_idx is not None:
            before = seq_idx[:, t - 1] if t else torch.zeros_like(seq_idx[:, 0])
            h = torch.where((seq_idx[:, t] == before)[:, None, None, None], h, 0.0)
        h = (step * A).exp()[..., None, None] * h + step[..., None, None] * outer(x[:, t], b)
        y = (h * c[:, :, None]).sum(-1)
        y = y if D is None else y + D * x[:, t]
        ys.append(y if z is None else y * functional.silu(z[:, t]))
    return torch.stack(ys, 1), h


def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    g: Tensor | None = None,
    initial_state: Tensor | None = None,
    scale: float = 0.5,
) -> tuple[Tensor, Tensor]:
    s, ys = zeros(initial_state, v, len(v), v.shape[2], k.shape[3], v.shape[3]), []
    for t in range(q.shape[1]):
        s = s if g is None else g[:, t].exp()[..., None] * s
        s = s + outer(k[:, t], v[:, t])
        ys.append(read(scale * q[:, t], s))
    return torch.stack(ys, 1), s


def rwkv6(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    w: Tensor,
    u: Tensor,
    initial_state: Tensor | None = None,
    scale: float = 0.5,
) -> tuple[Tensor, Tensor]:
    s, ys = zeros(initial_state, v, len(v), v.shape[2], k.shape[3], v.shape[3]), []
    for t in range(q.shape[1]):
        kv = outer(k[:, t], v[:, t])
        ys.append(read(scale * q[:, t], s + u[..., None] * kv))
        s = w[:, t].exp()[..., None] * s + kv
    return torch.stack(ys, 1), s


def rg_lru(
    x: Tensor,
    input_weight: Tensor,
    input_bias: Tensor,
    recurrence_weight: Tensor,
    recurrence_bias: Tensor,
    decay: Tensor,
    reset: Tensor | None = None,
    initial_state: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    h, ys = zeros(initial_state, x, len(x), *x.shape[2:]), []
    for t in range(x.shape[1]):
        i = (torch.einsum("hoi,bhi->bho", input_weight, x[:, t]) + input_bias).sigmoid()
        r = (torch.einsum("hoi,bhi->bho", recurrence_weight, x[:, t]) + recurrence_bias).sigmoid()
        log = -8 * r * functional.softplus(decay)
        kept, entering = log.exp(), (1 - (2 * log).exp()).sqrt()
        if reset is not None:
            first = reset[:, t].bool()[:, None, None]
            kept, entering = torch.where(first, 0.0, kept), torch.where(first, 1.0, entering)
        h = kept * h + entering * (i * x[:, t])
        ys.append(h)
    return torch.stack(ys, 1), h


def min_gru(gate: Tensor, candidate: Tensor, initial_state: Tensor | None = None) -> tuple[Tensor, Tensor]:
    h, ys = zeros(initial_state, gate, len(gate), gate.shape[2]), []
    for t in range(gate.shape[1]):
        z = gate[:, t].sigmoid()
        h = (1 - z) * h + z * candidate[:, t]
        ys.append(h)
    return torch.stack(ys, 1), h


def linear(x: Tensor, g: Tensor, initial_state: Tensor | None = None) -> tuple[Tensor, Tensor]:
    h, ys = zeros(initial_state, x, len(x), x.shape[2]), []
    for t in range(x.shape[1]):
        h = g[:, t] * h + x[:, t]
        ys.append(h)
    return torch.stack(ys, 1), h


def complex_diagonal(
    u: Tensor,
    a_re: Tensor,
    a_im: Tensor,
    B_re: Tensor,
    B_im: Tensor,
    C_re: Tensor,
    C_im: Tensor,
    D: Tensor | None = None,
    initial_re: Tensor | None = None,
    initial_im: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    a, B, C = torch.complex(a_re, a_im), torch.complex(B_re, B_im), torch.complex(C_re, C_im)
    start = (zeros(part, u, len(u), len(a_re)) for part in (initial_re, initial_im))
    h, ys = torch.complex(*start), []
    for t in range(u.shape[1]):
        h = a * h + torch.einsum("sc,bc->bs", B, u[:, t].to(a.dtype))
        y = 2 * torch.einsum("cs,bs->bc", C, h).real
        ys.append(y if D is None else y + D * u[:, t])
    return torch.stack(ys, 1), h.real, h.imag


def mlstm(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    input_gate: Tensor,
    forget_gate: Tensor,
    scale: float = 0.5,
    eps: float = 0.01,
) -> Tensor:
    """Nothing kept apart from the state; m counts through eps alone."""
    m, ys = torch.zeros_like(input_gate[:, 0]), []
    n, C = torch.zeros_like(k[:, 0]), torch.zeros_like(outer(k[:, 0], v[:, 0]))
    for t in range(q.shape[1]):
        f, i = forget_gate[:, t].sigmoid(), input_gate[:, t].exp()
        C = f[..., None, None] * C + i[..., None, None] * outer(k[:, t], v[:, t])
        n = f[..., None] * n + i[..., None] * k[:, t]
        m = torch.maximum(functional.logsigmoid(forget_gate[:, t]) + m, input_gate[:, t])
        divisor = (scale * (q[:, t] * n).sum(-1)).abs().clamp(min=1.0) + eps * m.exp()
        ys.append(read(scale * q[:, t], C) / divisor[..., None])
    return torch.stack(ys, 1)


def stabilised_mlstm(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    input_gate: Tensor,
    forget_gate: Tensor,
    scale: float = 0.5,
    eps: float = 0.01,
    through_m: bool = True,
) -> Tensor:
    """The state times ``exp(-m)``, as it is run."""
    m, ys = torch.zeros_like(input_gate[:, 0]), []
    n, C = torch.zeros_like(k[:, 0]), torch.zeros_like(outer(k[:, 0], v[:, 0]))
    for t in range(q.shape[1]):
        log = functional.logsigmoid(forget_gate[:, t])
        new = torch.maximum(log + m, input_gate[:, t])
        new = new if through_m else new.detach()
        f, i = (log + m - new).exp(), (input_gate[:, t] - new).exp()
        m = new
        C = f[..., None, None] * C + i[..., None, None] * outer(k[:, t], v[:, t])
        n = f[..., None] * n + i[..., None] * k[:, t]
        divisor = torch.maximum((scale * (q[:, t] * n).sum(-1)).abs(), (-m).exp()) + eps
        ys.append(read(scale * q[:, t], C) / divisor[..., None])
    return torch.stack(ys, 1)


def delta(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    beta: Tensor,
    g: Tensor | None = None,
    initial_state: Tensor | None = None,
    scale: float = 0.5,
    eps: float = 1e-6,
) -> tuple[Tensor, Tensor]:
    q, k = (x * (x.square().sum(-1, keepdim=True) + eps).rsqrt() for x in (q, k))
    s, ys = zeros(initial_state, v, len(v), v.shape[2], k.shape[3], v.shape[3]), []
    for t in range(q.shape[1]):
        s = s if g is None else g[:, t].exp()[..., None] * s
        s = s + outer(k[:, t], beta[:, t, :, None] * (v[:, t] - read(k[:, t], s)))
        ys.append(read(scale * q[:, t], s))
    return torch.stack(ys, 1), s


def comba(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    p: Tensor,
    beta: Tensor,
    g: Tensor | None = None,
    initial_state: Tensor | None = None,
    scale: float = 0.5,
) -> tuple[Tensor, Tensor]:
    s, ys = zeros(initial_state, v, len(v), v.shape[2], k.shape[3], v.shape[3]), []
    for t in range(q.shape[1]):
        error = v[:, t] - read(p[:, t], s)
        s = s if g is None else g[:, t].exp()[..., None] * s
        s = s + outer(k[:, t], beta[:, t, :, None] * error)
        ys.append(read(scale * q[:, t], s))
    return torch.stack(ys, 1), s


def generalized_delta(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    a: Tensor,
    b: Tensor,
    g: Tensor | None = None,
    initial_state: Tensor | None = None,
    scale: float = 0.5,
) -> tuple[Tensor, Tensor]:
    s, ys = zeros(initial_state, v, len(v), v.shape[2], k.shape[3], v.shape[3]), []
    for t in range(q.shape[1]):
        added = outer(k[:, t], v[:, t]) + outer(b[:, t], read(a[:, t], s))
        s = (s if g is None else g[:, t].exp()[..., None] * s) + added
        ys.append(read(scale * q[:, t], s))
    return torch.stack(ys, 1), s


def gated_norm(
    x: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    z: Tensor | None = None,
    eps: float = 1e-5,
    groups: int = 1,
    centred: bool = False,
    gate_first: bool = False,
    act: Callable[[Tensor], Tensor] = functional.silu,
) -> Tensor:
    x = x if z is None or not gate_first else x * act(z)
    rows = x.unflatten(-1, (groups, -1))
    rows = rows - rows.mean(-1, keepdim=True) if centred else rows
    y = (rows / (rows.square().mean(-1, keepdim=True) + eps).sqrt()).flatten(-2)
    y = y if weight is None else y * weight
    y = y if bias is None else y + bias
    return y if z is None or gate_first else y * act(z)


RECURRENCES: dict[str, tuple[Kernel, Callable[..., Any]]] = {
    "selective": (SelectiveScan(delta_softplus=True), selective),
    "convolution": (CausalConv1d(silu=True), convolution),
    "ssd": (SsdScan(dt_softplus=True, dt_min=0.1, dt_max=2.0), ssd),
    "attention": (GatedLinearAttention(scale=0.5), attention),
    "rwkv6": (Rwkv6(scale=0.5), rwkv6),
    "rg-lru": (RgLru(), rg_lru),
    "min-gru": (MinGru(), min_gru),
    "linear": (LinearRecurrence(), linear),
    "linear in log space": (LinearRecurrence(log_decays=True), lambda g, **x: linear(g=g.exp(), **x)),
    "complex": (ComplexDiagonal(scale=2.0), complex_diagonal),
    "mlstm": (MLstm(scale=0.5, eps=0.01), mlstm),
    "delta": (GatedDeltaRule(scale=0.5, norm_eps=1e-6), delta),
    "delta by chunks": (GatedDeltaRule(scale=0.5, norm_eps=1e-6, chunk_size=4), delta),
    "comba": (Comba(scale=0.5), comba),
    "comba by chunks": (Comba(scale=0.5, chunk_size=4), comba),
    "generalised delta": (GeneralizedDeltaRule(scale=0.5), generalized_delta),
    "generalised delta by chunks": (GeneralizedDeltaRule(scale=0.5, chunk_size=4), generalized_delta),
    "gated norm": (GatedNorm(), gated_norm),
    "gate, then norms of groups": (
        GatedNorm(groups=3, norm_before_gate=False, eps=1e-3),
        partial(gated_norm, groups=3, gate_first=True, eps=1e-3),
    ),
    "layer norm, sigmoid gate": (
        GatedNorm(centred=True, activation="sigmoid"),
        partial(gated_norm, centred=True, act=torch.sigmoid),
    ),
    "attention of plain decays": (
        GatedLinearAttention(log_decays=False),
        lambda g=None, **x: attention(g=None if g is None else g.log(), scale=1.0, **x),
    ),
    "ssd without limits": (SsdScan(dt_softplus=True), partial(ssd, limits=(0.0, None))),
}
"""Each kernel, and its recurrence with the same options."""
