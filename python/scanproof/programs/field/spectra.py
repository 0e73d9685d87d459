"""Rules of Fourier transforms of real signals, as long convolutions use them.

A finite field has no roots of unity of every order. A transform is therefore kept as the signal that it is a
transform of: a product of two transforms is the circular convolution of their signals.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from scanproof.programs.field import pairs
from scanproof.programs.field.calls import ComplexCall
from scanproof.programs.field.pair import Pair, Spectrum
from scanproof.programs.field.residues import Undecided
from scanproof.programs.field.table import SPECTRA, entered
from scanproof.programs.program import Value


@entered(SPECTRA, "_fft_r2c")
def _transform(call: ComplexCall) -> Spectrum:
    axis = _axis(call)
    signal, length = call.pair("self"), call["self"].shape[axis]
    if call["normalization"] == 2:
        signal = signal / call.number(length)
    return Spectrum(signal, axis, length)


@entered(SPECTRA, "_fft_c2r")
def _back(call: ComplexCall) -> Pair:
    spectrum = call.spectrum("self")
    if _axis(call) != spectrum.axis or call["last_dim_size"] != spectrum.length:
        raise Undecided("transforms another length back")
    if call["normalization"] == 2:
        return spectrum.signal
    return spectrum.signal * call.number(spectrum.length)


def _axis(call: ComplexCall) -> int:
    """Return the transformed axis, counted from the last."""
    axes, rank = call["dim"], len(call["self"].shape)
    if len(axes) != 1 or call["normalization"] == 1:
        raise Undecided("transforms several axes, or divides by a root")
    return int(axes[0] % rank - rank)


@entered(SPECTRA, "mul")
def _mul(call: ComplexCall) -> Spectrum:
    one, other = (call.spectrum(name) if _transformed(call, name) else None for name in ("self", "other"))
    if one is None or other is None:
        spectrum, name = (one, "other") if one is not None else (other, "self")
        assert spectrum is not None
        return _scaled(call, spectrum, name)
    _check_alike(one, other)

    def columns(tensor: Tensor) -> Tensor:
        return tensor.movedim(one.axis, -1)[..., None]

    def shifted(tensor: Tensor) -> Tensor:
        places = torch.arange(one.length)
        return tensor.movedim(one.axis, -1)[..., (places[:, None] - places) % one.length]

    product = pairs.matmul(pairs.moved(one.signal, shifted), pairs.moved(other.signal, columns))
    return Spectrum(
        pairs.moved(product, lambda tensor: tensor[..., 0].movedim(-1, one.axis)), one.axis, one.length
    )


def _scaled(call: ComplexCall, spectrum: Spectrum, name: str) -> Spectrum:
    factor = call[name]
    if isinstance(factor, complex) or (isinstance(factor, Value) and factor.dtype.is_complex):
        raise Undecided("multiplies a transform by other complex numbers")
    if isinstance(factor, Value) and len(factor.shape) >= -spectrum.axis and factor.shape[spectrum.axis] != 1:
        raise Undecided("multiplies each frequency by another number")
    return Spectrum(spectrum.signal * call.pair(name), spectrum.axis, spectrum.length)


def _sum(made: Callable[[Pair, Pair], Pair]) -> Callable[[ComplexCall], Spectrum]:
    def rule(call: ComplexCall) -> Spectrum:
        if not (_transformed(call, "self") and _transformed(call, "other")) or call.get("alpha", 1) != 1:
            raise Undecided("adds a transform and other numbers")
        one, other = call.spectrum("self"), call.spectrum("other")
        _check_alike(one, other)
        return Spectrum(made(one.signal, other.signal), one.axis, one.length)

    return rule


SPECTRA.update(add=_sum(Pair.__add__), sub=_sum(Pair.__sub__))


def _transformed(call: ComplexCall, name: str) -> bool:
    return isinstance(call[name], Value) and call.is_spectrum(call[name])


def _check_alike(one: Spectrum, other: Spectrum) -> None:
    if (one.axis, one.length) != (other.axis, other.length):
        raise Undecided("takes transforms of different lengths or axes")


@entered(SPECTRA, "alias", "clone", "detach", "_to_copy")
def _same(call: ComplexCall) -> Spectrum:
    return call.spectrum("self")


@entered(SPECTRA, "unsqueeze")
def _unsqueeze(call: ComplexCall) -> Spectrum:
    spectrum, rank = call.spectrum("self"), len(call["self"].shape)
    at = call["dim"] % (rank + 1) - rank - 1
    moved = pairs.moved(spectrum.signal, lambda tensor: tensor.unsqueeze(at))
    return Spectrum(moved, spectrum.axis - (at >= spectrum.axis), spectrum.length)
