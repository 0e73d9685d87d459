"""The gated delta rule and Comba, token by token and by chunks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from scanproof import theorems
from scanproof.refinement.arithmetic import Value
from scanproof.refinement.kernels.arithmetic import KernelArithmetic
from scanproof.refinement.kernels.attention import OUTPUTS, TOKENS
from scanproof.refinement.kernels.decays import decays_within
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
    same rules as in other kernels.

    Attributes:
        scale: factor of the queries.
        log_decays: True if ``g`` holds logarithms of the decays, as in kernels; False if ``g`` holds decays.
        norm_eps: divide queries and keys by ``sqrt(x · x + norm_eps)`` first; None: do not divide.
        chunk_size: evaluate by chunks of this many tokens; None: token by token. The function is the same,
            and the bound differs.
        reads_decayed: whether the state is read after the decay, to be compared with ``v``.
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
    reads_decayed: ClassVar[bool] = True

    scale: float = 1.0
    log_decays: bool = True
    norm_eps: float | None = None
    chunk_size: int | None = None

    @property
    def recurrence(self) -> Kernel:
        """The rule token by token."""
        return replace(self, chunk_size=None)

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
        batch, _, heads, keys = k.shape
        p = inputs.get("p", k)
        if self.norm_eps is not None:
            q, k, p = (_normalised(ar, x, self.norm_eps) for x in (q, k, p))
        if self.scale != 1:
            q = q * constant(ar, self.scale)
        state = inputs.get("initial_state", ar.zeros((batch, heads, keys, v.shape[-1])))
        step = self._token if self.chunk_size is None else self._chunk
        return by_pieces(ar, step, self.chunk_size or 1, (q, k, v, p, g, beta), state)

    def _token(
        self,
        ar: KernelArithmetic,
        q: Value,
        k: Value,
        v: Value,
        p: Value,
        g: Value,
        beta: Value,
        state: Value,
    ) -> tuple[Value, Value]:
        decay = ar.exp(g[:, 0]) if self.log_decays else g[:, 0]
        kept = decay[..., None] * state
        error = beta[:, 0, :, None] * (v[:, 0] + -reading(ar, p[:, 0], kept if self.reads_decayed else state))
        state = kept + outer(k[:, 0], error)
        return reading(ar, q[:, 0], state)[:, None], state

    def _chunk(
        self,
        ar: KernelArithmetic,
        q: Value,
        k: Value,
        v: Value,
        p: Value,
        g: Value,
        beta: Value,
        state: Value,
    ) -> tuple[Value, Value]:
        """Carry the state over a chunk in WY form; invert the triangular system row by row.

        Forward substitution for each right-hand side rounds no term more often.
        """
        length = k.shape[1]
        after = decays_within(ar, g, log_decays=self.log_decays)
        read = after
        if not self.reads_decayed:
            read = decays_within(ar, g, log_decays=self.log_decays, before=True)
        inverse: list[Value] = []
        for t in range(length):
            row = ar.lift(np.broadcast_to(np.eye(length)[t], (k.shape[0], k.shape[2], length)))
            if t:
                scores = [beta[:, t] * ar.dot(read.between[t][s] * p[:, t], k[:, s]) for s in range(t)]
                row = row + -reading(ar, stack(ar, scores, -1), stack(ar, inverse, -2))
            inverse.append(row)
        values = stack(ar, [beta[:, s, :, None] * v[:, s] for s in range(length)], -2)
        keys = stack(ar, [beta[:, s, :, None] * (read.since[s] * p[:, s]) for s in range(length)], -2)
        corrected = [
            reading(ar, row, values) + -reading(ar, reading(ar, row, keys), state) for row in inverse
        ]
        outputs = []
        for t in range(length):
            scores = [ar.dot(after.between[t][s] * q[:, t], k[:, s]) for s in range(t + 1)]
            inside = reading(ar, stack(ar, scores, -1), stack(ar, corrected[: t + 1], -2))
            outputs.append((reading(ar, after.since[t] * q[:, t], state) + inside)[:, None])
        ends = stack(ar, [after.between[-1][s] * k[:, s] for s in range(length)], -1)
        added = ar.dot(ends[..., :, None, :], stack(ar, corrected, -1)[..., None, :, :])
        return ar.concatenate(outputs, axis=1), after.since[-1][..., None] * state + added


@dataclass(frozen=True)
class Comba(GatedDeltaRule):
    """Comba (Hu et al. 2025): the gated delta rule in which a vector ``p`` reads the state before the decay.

    ``s' = diag(a) s + beta k (v - sᵀ p)ᵀ``, and the output is ``y = scale (s'ᵀ q)``. The Lean definition is
    ``comba``. With ``norm_eps``, ``p`` is divided like queries and keys. With vectors ``p`` and ``k`` of
    length 1 the state may still grow, if ``p`` points away from ``k``.
    """

    theorem: ClassVar = theorems.COMBA_PREFIX
    inputs: ClassVar = {
        **TOKENS,
        "p": TOKENS["k"],
        **{name: axes for name, axes in GatedDeltaRule.inputs.items() if name not in TOKENS},
    }
    reads_decayed: ClassVar = False

    @property
    def domains(self) -> Mapping[str, Domain]:
        """Those of the delta rule; ``p`` is restricted like keys."""
        domains = super().domains
        return {**domains, "p": KEYS} if "k" in domains else domains


Step = Callable[..., tuple[Value, Value]]
"""From the arithmetic, the tokens of a piece and a state to the outputs of the piece and the next state."""


def by_pieces(
    ar: KernelArithmetic, step: Step, size: int, tokens: Sequence[Value], state: Value
) -> tuple[Value, Value]:
    """Run over pieces of at most ``size`` tokens; return the outputs and the last state.

    Args:
        ar: the arithmetic.
        step: runs one piece.
        size: number of tokens of a piece.
        tokens: inputs (batch, time, head, ...): queries, keys, values, and more.
        state: the state before the first token, (batch, head, state, channel).
    """
    outputs = []
    for start in range(0, tokens[0].shape[1], size):
        y, state = step(ar, *(each[:, start : start + size] for each in tokens), state)
        outputs.append(y)
    if not outputs:
        return ar.zeros((state.shape[0], 0, state.shape[1], state.shape[3])), state
    return ar.concatenate(outputs, axis=1), state


def _normalised(ar: KernelArithmetic, x: Value, eps: float) -> Value:
    size = ar.sqrt(ar.inner(x, x, constant(ar, eps)))
    return x * ar.div(constant(ar, 1.0), size)[..., None]
