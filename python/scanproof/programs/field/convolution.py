"""The rule of a convolution along one axis: a sum of shifted products."""

from torch.nn import functional

from scanproof.programs.field.calls import Call
from scanproof.programs.field.residues import Side, Undecided
from scanproof.programs.field.table import RINGS, entered


@entered(RINGS, "convolution")
def _convolution(call: Call) -> Side:
    x, weight = call.side("input").finite, call.side("weight").finite
    if x.values.dim() != 3 or call["transposed"]:
        raise Undecided("is no convolution along one axis")
    [stride], [padding], [dilation] = call["stride"], call["padding"], call["dilation"]
    groups, m = call["groups"], call.modulus
    outputs, channels, width = weight.values.shape
    padded = functional.pad(x.values, (padding, padding)).unflatten(1, (groups, channels))
    kernels = weight.values.unflatten(0, (groups, outputs // groups))
    length = (padded.shape[-1] - dilation * (width - 1) - 1) // stride + 1
    total = padded.new_zeros(padded.shape[0], groups, outputs // groups, length)
    for tap in range(width):
        first = tap * dilation
        seen = padded[..., first : first + stride * (length - 1) + 1 : stride]
        for channel in range(channels):
            total += seen[:, :, None, channel] * kernels[None, :, :, channel, tap, None] % m
    degrees = x.numerator + weight.numerator, x.denominator + weight.denominator
    result = x.made(total, *degrees).summed(total.flatten(1, 2), channels * width)
    if call["bias"] is None:
        return result
    bias = call.side("bias").finite
    shaped = bias.made(bias.values[:, None], bias.numerator, bias.denominator)
    return result + shaped
