"""The generalised delta rule, token by token and by chunks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from scanproof import theorems
from scanproof.refinement.arithmetic import Value
from scanproof.refinement.kernels.arithmetic import KernelArithmetic
from scanproof.refinement.kernels.attention import OUTPUTS, TOKENS
from scanproof.refinement.kernels.decays import decays_within
from scanproof.refinement.kernels.delta import by_pieces
from scanproof.refinement.kernels.domains import DECAYS, KEYS, LOG_DECAYS, Domain
from scanproof.refinement.kernels.kernel import Array, Kernel, constant, reading, stack


@dataclass(frozen=True)
class GeneralizedDeltaRule(Kernel):
    """The delta rule with two vectors, as in RWKV-7 (Peng et al. 2025): DPLR, and IPLR without decay.

    ``s' = diag(w) s + b (sᵀ a)ᵀ + k vᵀ``, and the output is ``y = scale (s'ᵀ q)``. The vector ``a`` reads the
    state before the decay. The Lean definition is ``generalizedDeltaRule``. The layer of RWKV-7 calls this
    rule with ``a = -kk`` and ``b = kk * rate``, where ``kk`` is a normalised key.

    As for :class:`scanproof.GatedDeltaRule`, no theorem bounds the rounding of the state. The bound is a
    running error analysis of one order of evaluation: token by token, or with ``chunk_size``, the chunked
    form. With vectors ``a`` and ``b`` of length 1 the state may still grow, if they point in one direction.

    Attributes:
        scale: factor of the queries.
        log_decays: True if ``g`` holds logarithms of the decays, as in kernels; False if ``g`` holds decays.
        chunk_size: evaluate by chunks of this many tokens; None: token by token. The function is the same,
            and the bound differs.
    """

    theorem: ClassVar = theorems.GENERALIZED_DELTA_PREFIX
    bound_theorem: ClassVar = ""
    inputs: ClassVar = {
        **TOKENS,
        "a": TOKENS["k"],
        "b": TOKENS["k"],
        "g": ("batch", "time", "head", None),
        "initial_state": OUTPUTS["last_state"],
    }
    optional: ClassVar = frozenset({"g", "initial_state"})
    outputs: ClassVar = OUTPUTS

    scale: float = 1.0
    log_decays: bool = True
    chunk_size: int | None = None

    @property
    def recurrence(self) -> Kernel:
        """The rule token by token."""
        return replace(self, chunk_size=None)

    @property
    def domains(self) -> Mapping[str, Domain]:
        """Decays or their logarithms, and the vectors ``a`` and ``b``."""
        return {"g": LOG_DECAYS if self.log_decays else DECAYS, "a": KEYS, "b": KEYS}

    def _run(
        self, ar: KernelArithmetic, inputs: Mapping[str, Value], arrays: Mapping[str, Array]
    ) -> tuple[Value, ...]:
        q, k, v, a, b = (inputs[name] for name in ("q", "k", "v", "a", "b"))
        batch, _, heads, keys = k.shape
        none = np.zeros if self.log_decays else np.ones
        g = inputs.get("g", ar.lift(none((*k.shape[:3], 1))))
        if self.scale != 1:
            q = q * constant(ar, self.scale)
        state = inputs.get("initial_state", ar.zeros((batch, heads, keys, v.shape[-1])))
        step = self._token if self.chunk_size is None else self._chunk
        return by_pieces(ar, step, self.chunk_size or 1, (q, k, v, a, b, g), state)

    def _token(
        self, ar: KernelArithmetic, q: Value, k: Value, v: Value, a: Value, b: Value, g: Value, state: Value
    ) -> tuple[Value, Value]:
        """Add the two products to the state in any order."""
        decay = ar.exp(g[:, 0]) if self.log_decays else g[:, 0]
        keys = stack(ar, [b[:, 0], k[:, 0]], -1)
        values = stack(ar, [reading(ar, a[:, 0], state), v[:, 0]], -1)
        state = ar.inner(keys[..., :, None, :], values[..., None, :, :], decay[..., None] * state)
        return reading(ar, q[:, 0], state)[:, None], state

    def _chunk(
        self, ar: KernelArithmetic, q: Value, k: Value, v: Value, a: Value, b: Value, g: Value, state: Value
    ) -> tuple[Value, Value]:
        """Carry the state over a chunk in WY form; invert the triangular system row by row.

        What the vectors ``a`` read is ``inverse (M v + (d a) s)``. M holds the scores of ``a`` and ``k``, and
        d the decays from the start of the chunk to before a token. The system holds the scores of ``a`` and
        ``b``.
        """
        length = k.shape[1]
        after = decays_within(ar, g, log_decays=self.log_decays)
        before = decays_within(ar, g, log_decays=self.log_decays, before=True)
        values = stack(ar, [v[:, s] for s in range(length)], -2)
        inverse: list[Value] = []
        own: list[Value] = [ar.zeros(v[:, 0].shape)]
        for t in range(length):
            row = ar.lift(np.broadcast_to(np.eye(length)[t], (k.shape[0], k.shape[2], length)))
            if t:
                read = [before.between[t][s] * a[:, t] for s in range(t)]
                to_b, to_k = (stack(ar, [ar.dot(read[s], x[:, s]) for s in range(t)], -1) for x in (b, k))
                row = row + reading(ar, to_b, stack(ar, inverse, -2))
                own.append(reading(ar, to_k, values[..., :t, :]))
            inverse.append(row)
        own_values = stack(ar, own, -2)
        keys = stack(ar, [before.since[s] * a[:, s] for s in range(length)], -2)
        returned = [
            reading(ar, row, own_values) + reading(ar, reading(ar, row, keys), state) for row in inverse
        ]
        outputs = []
        for t in range(length):
            read = [after.between[t][s] * q[:, t] for s in range(t + 1)]
            to_b, to_k = (stack(ar, [ar.dot(read[s], x[:, s]) for s in range(t + 1)], -1) for x in (b, k))
            inside = reading(ar, to_k, values[..., : t + 1, :])
            corrections = reading(ar, to_b, stack(ar, returned[: t + 1], -2))
            outputs.append((reading(ar, after.since[t] * q[:, t], state) + (inside + corrections))[:, None])
        added = [
            ar.dot(stack(ar, [after.between[-1][s] * x[:, s] for s in range(length)], -1)[..., :, None, :], y)
            for x, y in (
                (k, stack(ar, [v[:, s] for s in range(length)], -1)[..., None, :, :]),
                (b, stack(ar, returned, -1)[..., None, :, :]),
            )
        ]
        return ar.concatenate(outputs, axis=1), after.since[-1][..., None] * state + (added[0] + added[1])
