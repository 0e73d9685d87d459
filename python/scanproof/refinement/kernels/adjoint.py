"""The gradients of kernels: the tape of the runners with further operations for kernels."""

import numpy as np

from scanproof.refinement.adjoint import Tape, Traced
from scanproof.refinement.arithmetic import Part, Value
from scanproof.refinement.kernels.arithmetic import Complex, KernelAdjoint, KernelArithmetic, Steps


class KernelTape(Tape, KernelArithmetic):
    """A kernel arithmetic that records every operation."""

    base: KernelAdjoint

    def __init__(self, base: KernelAdjoint) -> None:
        super().__init__(base)

    def broadcast(self, x: Traced, shape: tuple[int, ...]) -> Traced:
        """Repeat entries up to a shape."""
        return self.record(self.base.broadcast(x.value, shape), (x,), lambda g: [Part(g)])

    def div(self, x: Traced, y: Traced) -> Traced:
        """Return the quotient, whose gradient at ``y`` is ``-(x / y) / y``."""
        base, quotient = self.base, self.base.div(x.value, y.value)

        def pull(g: Value) -> list[Part | None]:
            at_x = Part(g, base.div(base.lift(np.ones(())), y.value)) if x.varies else None
            return [at_x, Part(-g, base.div(quotient, y.value)) if y.varies else None]

        return self.record(quotient, (x, y), pull)

    def sqrt(self, x: Traced) -> Traced:
        """Return the square root."""
        y = self.base.sqrt(x.value)
        return self.record(y, (x,), lambda g: [Part(g, self.base.sqrt_slope(x.value, y))])

    def rsqrt(self, x: Traced) -> Traced:
        """Return the reciprocal square root."""
        y = self.base.rsqrt(x.value)
        return self.record(y, (x,), lambda g: [Part(g, self.base.rsqrt_slope(x.value, y))])

    def maximum(self, x: Traced, y: Traced) -> Traced:
        """Return the greater of two."""
        greater = self.base.maximum(x.value, y.value)
        return self.record(greater, (x, y), lambda g: self.base.through_maximum(g, x.value, y.value))

    def inner(self, x: Traced, y: Traced, plus: Traced | None = None) -> Traced:
        """Return the sum of products, then ``plus``."""
        return self.dot(x, y, plus, by=self.base.inner)

    def matrix_products(self, x: Traced) -> Traced:
        """Return ``x``."""
        return self.record(self.base.matrix_products(x.value), (x,), lambda g: [Part(g)])

    def decaying_scan(self, decays: Traced, logs: Traced, b: Traced, h0: Traced) -> Traced:
        """Return all states; the backward scan may also form decays from sums of logarithms."""
        base = self.base
        h = base.decaying_scan(decays.value, logs.value, b.value, h0.value)

        def pull(outside: Value) -> list[Part | None]:
            wide, wide_logs = (base.broadcast(x.value, b.shape) for x in (decays, logs))
            later, later_logs = (
                base.concatenate([self._later(x), x[:, :1]], axis=1) for x in (wide, wide_logs)
            )
            none = base.zeros(h0.shape)
            received = base.concatenate([outside[:, ::-1], none[:, None]], axis=1)
            g = base.decaying_scan_back(later, later_logs, received, none)
            backward = Steps(later, received, none, g)
            g = g[:, ::-1]
            return [
                Part(g[:, 1:], self._before(h, h0.value)),
                base.through_sums(Steps(wide, b.value, h0.value, h), backward, logs.value),
                Part(g[:, 1:]),
                Part(g[:, 0]),
            ]

        return self.record(h, (decays, logs, b, h0), pull)

    def shifted_exp(self, x: Traced, shift: Traced) -> Traced:
        """Return ``exp x``, whose gradient at the shift is zero."""
        y = self.base.shifted_exp(x.value, shift.value)
        return self.record(y, (x,), lambda g: [Part(g, self.base.exp_slope(x.value, y))])

    def complex_scan(self, a: Complex, b: Complex, h0: Complex) -> Complex:
        """Return complex states; the decays of the backward scan are conjugate."""
        base = self.base
        (a_re, a_im), (b_re, b_im), (start_re, start_im) = ((re.value, im.value) for re, im in (a, b, h0))
        re, im = base.complex_scan((a_re, a_im), (b_re, b_im), (start_re, start_im))

        def pull(outside: Value) -> list[Part]:
            none = base.zeros(start_re.shape)
            received = outside[:, ::-1, ..., 0], outside[:, ::-1, ..., 1]
            g_re, g_im = (g[:, ::-1] for g in base.complex_scan((a_re, -a_im), received, (none, none)))
            before_re, before_im = self._before(re, start_re), self._before(im, start_im)
            first_re, first_im = g_re[:, 0], g_im[:, 0]
            return [
                Part(g_re, before_re), Part(g_im, before_im), Part(g_im, before_re), Part(-g_re, before_im),
                Part(g_re), Part(g_im),
                Part(first_re, a_re), Part(first_im, a_im), Part(first_im, a_re), Part(-first_re, a_im),
            ]  # fmt: skip

        (da_re, da_im), (db_re, db_im), (dh_re, dh_im) = a, b, h0
        operands = (da_re, da_re, da_im, da_im, db_re, db_im, dh_re, dh_re, dh_im, dh_im)
        both = self.record(base.concatenate([re[..., None], im[..., None]], axis=-1), operands, pull)
        return both[..., 0], both[..., 1]
