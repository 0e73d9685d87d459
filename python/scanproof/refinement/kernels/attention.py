"""Linear attention with decay: the state is a sum of outer products, and each of its rows has a decay."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from scanproof import theorems
from scanproof.refinement.arithmetic import Value
from scanproof.refinement.kernels.arithmetic import KernelArithmetic
from scanproof.refinement.kernels.domains import DECAYS, LOG_DECAYS, Domain
from scanproof.refinement.kernels.kernel import Array, Kernel, constant, last, outer, reading

TOKENS = {
    "q": ("batch", "time", "head", "state"),
    "k": ("batch", "time", "head", "state"),
    "v": ("batch", "time", "head", "channel"),
}
OUTPUTS = {"y": ("batch", "time", "head", "channel"), "last_state": ("batch", "head", "state", "channel")}


@dataclass(frozen=True)
class GatedLinearAttention(Kernel):
    """Gated linear attention: ``s' = diag(a) s + k vᵀ``, ``y = scale (s'ᵀ q)``.

    The Lean definition is ``linearAttention``.

    Without ``g`` there is no decay. With one decay per head and token, the recurrence is simple gated linear
    attention. Retention and lightning attention are the special case of a decay that is the same at every
    token.

    Attributes:
        scale: factor of the queries, often ``state ** -0.5``.
        log_decays: True if ``g`` holds logarithms of the decays, as in kernels; False if ``g`` holds decays.
    """

    theorem: ClassVar = theorems.GLA_PREFIX
    bound_theorem: ClassVar = theorems.SCAN_ERROR
    inputs: ClassVar = {
        **TOKENS,
        "g": ("batch", "time", "head", None),
        "initial_state": OUTPUTS["last_state"],
    }
    optional: ClassVar = frozenset({"g", "initial_state"})
    outputs: ClassVar = OUTPUTS

    scale: float = 1.0
    log_decays: bool = True

    @property
    def domains(self) -> Mapping[str, Domain]:
        """Decays, or their logarithms."""
        return {"g": LOG_DECAYS if self.log_decays else DECAYS}

    def _run(
        self, ar: KernelArithmetic, inputs: Mapping[str, Value], arrays: Mapping[str, Array]
    ) -> tuple[Value, ...]:
        q = inputs["q"]
        logs = inputs.get("g", ar.zeros((*q.shape[:3], 1)))
        if "g" not in inputs:
            decays = ar.lift(np.ones(logs.shape))
        else:
            decays = ar.exp(logs) if self.log_decays else logs
        start, states = _states(ar, inputs, logs, decays)
        return reading(ar, _scaled(ar, q, self.scale), states), last(states, start)


@dataclass(frozen=True)
class Rwkv6(Kernel):
    """RWKV-6: a token reads the state before it, and itself with weight u (Peng et al. 2024).

    ``y = scale (s + diag(u) k vᵀ)ᵀ q``, then ``s' = diag(exp w) s + k vᵀ``.

    Attributes:
        scale: factor of the queries.
    """

    theorem: ClassVar = theorems.RWKV6_PREFIX
    bound_theorem: ClassVar = theorems.SCAN_ERROR
    inputs: ClassVar = {
        **TOKENS,
        "w": ("batch", "time", "head", "state"),
        "u": ("head", "state"),
        "initial_state": OUTPUTS["last_state"],
    }
    optional: ClassVar = frozenset({"initial_state"})
    outputs: ClassVar = OUTPUTS

    scale: float = 1.0

    @property
    def domains(self) -> Mapping[str, Domain]:
        """Logarithms of decays."""
        return {"w": LOG_DECAYS}

    def _run(
        self, ar: KernelArithmetic, inputs: Mapping[str, Value], arrays: Mapping[str, Array]
    ) -> tuple[Value, ...]:
        q, k, v, w, u = (inputs[name] for name in ("q", "k", "v", "w", "u"))
        start, states = _states(ar, inputs, w, ar.exp(w))
        before = ar.concatenate([start[:, None], states[:, :-1]], axis=1) if q.shape[1] else states
        read = before + u[..., None] * outer(k, v)
        return reading(ar, _scaled(ar, q, self.scale), read), last(states, start)


@dataclass(frozen=True)
class MLstm(Kernel):
    """The matrix memory of xLSTM, with its normaliser (Beck et al. 2024, section 2.3).

    The inputs ``forget`` and ``input`` are preactivations. With ``f = sigmoid(forget)`` and
    ``i = exp(input)``::

        C' = f C + i k vᵀ,   n' = f n + i k
        y  = scale (C'ᵀ q) / (max(|scale (n' · q)|, 1) + eps exp m)

    Implementations keep ``C`` and ``n`` multiplied by ``exp(-m)``, where ``m' = max(log f + m, input)`` and m
    starts from 0. Some implementations, such as transformers and xlstm, add ``eps`` to the scaled
    denominator; its effect grows with m. The paper has eps = 0. The check does not compare the state. No
    theorem covers the separate exponents m: the bound is a running error analysis.

    The bound of gradients is a running error analysis, too. Without eps, y does not depend on m, so all terms
    of the gradient at ``m_t`` cancel and only their rounding errors remain. These terms are the terms
    ``Q(u, s)`` of the output with ``s <= t <= u``. They reach ``m_t`` through the decay before t, the decay
    after t, the input gate and the divisor. ``KernelBounds.through_sums`` bounds the errors of all these
    terms at the logarithm of a decay. The adjoint therefore treats m as one of the added logarithms, so the
    bound includes these errors at ``m_t``. From ``m_t`` the errors go to the greater of the two arguments of
    the maximum, or to both if rounding leaves open which is greater. The gradient through eps takes the same
    path.

    Attributes:
        scale: factor of the queries.
        eps: the number that implementations add to the scaled denominator.
    """

    theorem: ClassVar = theorems.MLSTM_PREFIX
    bound_theorem: ClassVar = ""
    inputs: ClassVar = {
        **TOKENS,
        "input_gate": ("batch", "time", "head"),
        "forget_gate": ("batch", "time", "head"),
    }
    optional: ClassVar = frozenset()
    outputs: ClassVar = {"y": OUTPUTS["y"]}

    scale: float = 1.0
    eps: float = 0.0

    def _run(
        self, ar: KernelArithmetic, inputs: Mapping[str, Value], arrays: Mapping[str, Array]
    ) -> tuple[Value, ...]:
        q, k, v = _scaled(ar, inputs["q"], self.scale), inputs["k"], inputs["v"]
        batch, _, heads, keys = k.shape
        logs = -ar.softplus(-inputs["forget_gate"])
        m = _running_maximum(ar, logs, inputs["input_gate"])
        decays = ar.sigmoid(inputs["forget_gate"])[..., None]
        gated = ar.shifted_exp(inputs["input_gate"], m)[..., None] * k
        size = ar.maximum(m, -m)
        before = ar.concatenate([ar.zeros((batch, 1, heads)), size[:, :-1]], axis=1)
        shifted = (logs + -size + -before)[..., None]
        normaliser = ar.decaying_scan(decays, shifted, gated, ar.zeros((batch, heads, keys)))
        memory = ar.decaying_scan(
            decays[..., None],
            shifted[..., None],
            ar.matrix_products(outer(gated, v)),
            ar.zeros((batch, heads, keys, v.shape[-1])),
        )
        read = ar.dot(q, normaliser)
        least = ar.maximum(ar.maximum(read, -read), constant(ar, 1.0))
        divisor = least + constant(ar, self.eps) * ar.exp(m)
        return (ar.div(reading(ar, q, memory), divisor[..., None]),)


def _states(
    ar: KernelArithmetic, inputs: Mapping[str, Value], logs: Value, decays: Value
) -> tuple[Value, Value]:
    """Return the initial state and all others, (batch, time, head, state, channel)."""
    k, v = inputs["k"], inputs["v"]
    batch, _, heads, keys = k.shape
    start = inputs.get("initial_state", ar.zeros((batch, heads, keys, v.shape[-1])))
    added = ar.matrix_products(outer(k, v))
    return start, ar.decaying_scan(decays[..., None], logs[..., None], added, start)


def _scaled(ar: KernelArithmetic, q: Value, scale: float) -> Value:
    return q if scale == 1 else q * constant(ar, scale)


def _running_maximum(ar: KernelArithmetic, logs: Value, gates: Value) -> Value:
    """Return ``m_t = max(logs_t + m_(t-1), gates_t)`` from 0."""
    m = ar.zeros((logs.shape[0], logs.shape[2]))
    seen = []
    for t in range(logs.shape[1]):
        m = ar.maximum(logs[:, t] + m, gates[:, t])
        seen.append(m[:, None])
    return ar.concatenate(seen, axis=1) if seen else logs
