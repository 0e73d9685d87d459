"""Rules of convolutions: sums of products over the taps of a kernel."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product as tuples
from math import prod

import torch
from torch import Tensor

from scanproof.programs.field.calls import Call
from scanproof.programs.field.residues import Side, matmul
from scanproof.programs.field.table import RINGS, entered


@dataclass(frozen=True)
class _Geometry:
    """Which entries of an input each tap of a kernel meets.

    Tensors have shapes (batch, groups, channels, *sizes); kernels have (groups, outputs, inputs, *taps).
    """

    modulus: int
    stride: list[int]
    padding: list[int]
    dilation: list[int]

    def taps(
        self, kernel: list[int], lengths: list[int]
    ) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
        """Yield each tap, and the entries of a padded input that it meets."""
        for tap in tuples(*(range(size) for size in kernel)):
            firsts = [at * step for at, step in zip(tap, self.dilation, strict=True)]
            yield (
                tap,
                tuple(
                    slice(first, first + stride * (length - 1) + 1, stride)
                    for first, stride, length in zip(firsts, self.stride, lengths, strict=True)
                ),
            )

    def padded(self, x: Tensor) -> Tensor:
        return torch.constant_pad_nd(x, [each for pad in reversed(self.padding) for each in (pad, pad)])

    def gathered(self, x: Tensor, kernels: Tensor) -> Tensor:
        """Return the convolution of an input."""
        x, kernel = self.padded(x), list(kernels.shape[3:])
        lengths = [
            (size - step * (width - 1) - 1) // stride + 1
            for size, step, width, stride in zip(x.shape[3:], self.dilation, kernel, self.stride, strict=True)
        ]
        total = x.new_zeros(*x.shape[:2], kernels.shape[1], prod(lengths))
        for tap, met in self.taps(kernel, lengths):
            seen = _at(x, met).flatten(3)
            total = (total + matmul(_at(kernels, tap), seen, self.modulus)) % self.modulus
        return torch.as_tensor(total.unflatten(3, lengths))

    def spread(self, y: Tensor, kernels: Tensor, sizes: list[int]) -> Tensor:
        """Return the transposed convolution of an output; ``sizes`` are those of the input."""
        wide = [size + 2 * pad for size, pad in zip(sizes, self.padding, strict=True)]
        total = y.new_zeros(*y.shape[:2], kernels.shape[2], *wide)
        for tap, met in self.taps(list(kernels.shape[3:]), list(y.shape[3:])):
            part = matmul(_at(kernels, tap).transpose(1, 2), y.flatten(3), self.modulus)
            _at(total, met).add_(part.unflatten(3, list(y.shape[3:])))
        inside = [slice(pad, pad + size) for size, pad in zip(sizes, self.padding, strict=True)]
        return torch.remainder(_at(total, inside), self.modulus)

    def kernels(self, x: Tensor, y: Tensor, kernel: list[int]) -> Tensor:
        """Return the gradient of the kernels for an input and the gradient of an output."""
        x = self.padded(x)
        found = []
        for _, met in self.taps(kernel, list(y.shape[3:])):
            seen = _at(x, met).flatten(3).transpose(2, 3)
            found.append(matmul(y.flatten(3), seen, self.modulus).sum(0) % self.modulus)
        return torch.as_tensor(torch.stack(found, -1).unflatten(-1, kernel))


def _at(tensor: Tensor, index: Sequence[int | slice]) -> Tensor:
    """Return a view of a tensor, by indices of its last axes."""
    found: Tensor = tensor[(..., *index)]
    return found


def _geometry(call: Call) -> _Geometry:
    rank = len(call["weight"].shape) - 2

    def each(name: str) -> list[int]:
        given = list(call[name])
        return given * rank if len(given) == 1 else given

    return _Geometry(call.modulus, each("stride"), each("padding"), each("dilation"))


def _grouped(call: Call, side: Side) -> Tensor:
    return torch.as_tensor(side.finite.values.unflatten(1, (call["groups"], -1)))


def _kernels(call: Call) -> Tensor:
    return torch.as_tensor(call.side("weight").finite.values.unflatten(0, (call["groups"], -1)))


def _summed(one: Side, other: Side, values: Tensor, count: int) -> Side:
    return one.made(values, one.degree.times(other.degree).total(count))


@entered(RINGS, "convolution")
def _convolution(call: Call) -> Side:
    x, weight, geometry = call.side("input"), call.side("weight"), _geometry(call)
    read, kernels = _grouped(call, x), _kernels(call)
    count = weight.values[0].numel()
    if call["transposed"]:
        taps, outer = kernels.shape[3:], call["output_padding"]
        sizes = [
            (length - 1) * stride - 2 * pad + step * (width - 1) + 1 + more
            for length, stride, pad, step, width, more in zip(
                read.shape[3:], geometry.stride, geometry.padding, geometry.dilation, taps, outer, strict=True
            )
        ]
        total, count = geometry.spread(read, kernels, sizes), kernels.shape[1] * prod(taps)
    else:
        total = geometry.gathered(read, kernels)
    result = _summed(x, weight, total.flatten(1, 2), count)
    if call["bias"] is None:
        return result
    bias = call.side("bias").finite
    shaped = bias.values.view(-1, *(1 for _ in geometry.stride))
    return result + bias.made(shaped, bias.degree)


@entered(RINGS, "convolution_backward")
def _convolution_backward(call: Call) -> list[Side]:
    x, weight, g, geometry = (
        call.side("input"),
        call.side("weight"),
        call.side("grad_output"),
        _geometry(call),
    )
    read, kernels, pulled = _grouped(call, x), _kernels(call), _grouped(call, g)
    taps, lengths = list(kernels.shape[3:]), g.values.shape[2:]

    def of_input() -> Side:
        if call["transposed"]:
            total, count = geometry.gathered(pulled, kernels), kernels[0, 0].numel()
        else:
            total, count = (
                geometry.spread(pulled, kernels, list(read.shape[3:])),
                kernels.shape[1] * prod(taps),
            )
        return _summed(g, weight, total.flatten(1, 2), count)

    def of_weight() -> Side:
        outer, inner = (pulled, read) if call["transposed"] else (read, pulled)
        found = geometry.kernels(outer, inner, taps).flatten(0, 1)
        return _summed(x, g, found, len(read) * prod(inner.shape[3:]))

    def of_bias() -> Side:
        axes = [axis for axis in range(g.values.dim()) if axis != 1]
        return g.summed(g.values.sum(axes), len(read) * prod(lengths))

    wanted = zip((of_input, of_weight, of_bias), call["output_mask"], strict=True)
    return [made() for made, asked in wanted if asked]
