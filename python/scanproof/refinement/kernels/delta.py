"""The gated delta rule, token by token and by chunks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from scanproof import theorems
from scanproof.refinement.arithmetic import Value
from scanproof.refinement.kernels.arithmetic import KernelArithmetic
from scanproof.refinement.kernels.attention import OUTPUTS, TOKENS
from scanproof.refinement.kernels.domains import DECAYS, FRACTIONS, KEYS, LOG_DECAYS, Domain
from scanproof.refinement.kernels.kernel import Array, Kernel, constant, outer, reading, stack


@dataclass(frozen=True)
class GatedDeltaRule(Kernel):
    """The gated delta rule (Yang et al. 2025), the Lean definition ``deltaRule``.

    ``s' = diag(a) s``, then ``s' + beta k (v - s'ᵀ k)ᵀ``, and the output is ``y = scale (s'ᵀ q)``. There is
    one decay per head (Gated DeltaNet), or one per state entry (Kimi delta attention). Without ``g`` there is
    no decay (DeltaNet).

    The state is not a diagonal scan, and no theorem bounds its rounding. Two things are proved in Lean:
    appending tokens does not change past outputs, and in exact arithmetic the chunked form equals the
    recurrence (``deltaRule_outputs_eq_chunked``). The bound is a running error analysis of one order of
    evaluation: token by token, or with ``chunk_size``, the chunked form. Each operation is bounded by the
        same
    rules as in other kernels.

    Attributes:
        scale: factor of the queries.
        log_decays: True if ``g`` holds logarithms of the decays, as in kernels; False if ``g`` holds decays.
        norm_eps: divide queries and keys by ``sqrt(x · x + norm_eps)`` first; None: do not divide.
        chunk_size: evaluate by chunks of this many tokens; None: token by token. The function is the same,
            and the bound differs.
    """

    theorem: ClassVar = theorems.GATED_DELTA_PREFIX
    bound_theorem: ClassVar = ""
    inputs: ClassVar = {
        **TOKENS,
        "g": ("batch", "time", "head", None),
        "beta": ("batch", "time", "head"),
        "initial_state": OUTPUTS["last_state"],
    }
    optional: ClassVar = frozenset({"g", "initial_state"})
    outputs: ClassVar = OUTPUTS

    scale: float = 1.0
    log_decays: bool = True
    norm_eps: float | None = None
    chunk_size: int | None = None

    @property
    def domains(self) -> Mapping[str, Domain]:
        """Decays or their logarithms, the fractions ``beta``, and keys without normalisation."""
        return {
            "g": LOG_DECAYS if self.log_decays else DECAYS,
            "beta": FRACTIONS,
            **({"k": KEYS} if self.norm_eps is None else {}),
        }

    def _run(
        self, ar: KernelArithmetic, inputs: Mapping[str, Value], arrays: Mapping[str, Array]
    ) -> tuple[Value, ...]:
        q, k, v, beta = (inputs[name] for name in ("q", "k", "v", "beta"))
        none = np.zeros if self.log_decays else np.ones
        g = inputs.get("g", ar.lift(none((*k.shape[:3], 1))))
        batch, time, heads, keys = k.shape
        if self.norm_eps is not None:
            q, k = (_normalised(ar, x, self.norm_eps) for x in (q, k))
        if self.scale != 1:
            q = q * constant(ar, self.scale)
        state = inputs.get("initial_state", ar.zeros((batch, heads, keys, v.shape[-1])))
        outputs = []
        size = self.chunk_size or 1
        for start in range(0, time, size):
            q_, k_, v_, g_, beta_ = (each[:, start : start + size] for each in (q, k, v, g, beta))
            step = self._token if self.chunk_size is None else self._chunk
            y, state = step(ar, q_, k_, v_, g_, beta_, state)
            outputs.append(y)
        if not outputs:
            return ar.zeros((batch, 0, heads, v.shape[-1])), state
        return ar.concatenate(outputs, axis=1), state

    def _token(
        self, ar: KernelArithmetic, q: Value, k: Value, v: Value, g: Value, beta: Value, state: Value
    ) -> tuple[Value, Value]:
        decay = ar.exp(g[:, 0]) if self.log_decays else g[:, 0]
        kept = decay[..., None] * state
        error = beta[:, 0, :, None] * (v[:, 0] + -reading(ar, k[:, 0], kept))
        state = kept + outer(k[:, 0], error)
        return reading(ar, q[:, 0], state)[:, None], state

    def _chunk(
        self, ar: KernelArithmetic, q: Value, k: Value, v: Value, g: Value, beta: Value, state: Value
    ) -> tuple[Value, Value]:
        """Carry the state over a chunk in WY form; invert the triangular system row by row.

        Forward substitution for each right-hand side rounds no term more often.
        """
        length = k.shape[1]
        since, between = self._decays(ar, g)
        inverse: list[Value] = []
        for t in range(length):
            row = ar.lift(np.broadcast_to(np.eye(length)[t], (k.shape[0], k.shape[2], length)))
            if t:
                scores = [beta[:, t] * ar.dot(between[t][s] * k[:, t], k[:, s]) for s in range(t)]
                row = row + -reading(ar, stack(ar, scores, -1), stack(ar, inverse, -2))
            inverse.append(row)
        values = stack(ar, [beta[:, s, :, None] * v[:, s] for s in range(length)], -2)
        keys = stack(ar, [beta[:, s, :, None] * (since[s] * k[:, s]) for s in range(length)], -2)
        corrected = [
            reading(ar, row, values) + -reading(ar, reading(ar, row, keys), state) for row in inverse
        ]
        outputs = []
        for t in range(length):
            scores = [ar.dot(between[t][s] * q[:, t], k[:, s]) for s in range(t + 1)]
            inside = reading(ar, stack(ar, scores, -1), stack(ar, corrected[: t + 1], -2))
            outputs.append((reading(ar, since[t] * q[:, t], state) + inside)[:, None])
        ends = stack(ar, [between[-1][s] * k[:, s] for s in range(length)], -1)
        added = ar.dot(ends[..., :, None, :], stack(ar, corrected, -1)[..., None, :, :])
        return ar.concatenate(outputs, axis=1), since[-1][..., None] * state + added

    def _decays(self, ar: KernelArithmetic, g: Value) -> tuple[list[Value], list[list[Value]]]:
        """Return decays from the start of the chunk to after each token, and from s to t for s <= t."""
        since: list[Value] = []
        between: list[list[Value]] = []
        sums: list[Value] = []
        for t in range(g.shape[1]):
            if self.log_decays:
                logs = stack(ar, [g[:, s] for s in range(t + 1)], -1)
                sums.append(ar.inner(logs, ar.lift(np.ones(t + 1))))
                since.append(ar.exp(sums[t]))
                between.append([ar.exp(sums[t] + -earlier) for earlier in sums[:t]])
            else:
                since.append(since[-1] * g[:, t] if t else g[:, t])
                between.append([decay * g[:, t] for decay in between[-1]] if t else [])
            between[t].append(ar.lift(np.ones(g[:, t].shape)))
        return since, between


def _normalised(ar: KernelArithmetic, x: Value, eps: float) -> Value:
    size = ar.sqrt(ar.inner(x, x, constant(ar, eps)))
    return x * ar.div(constant(ar, 1.0), size)[..., None]
