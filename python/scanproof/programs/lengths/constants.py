"""What is known of the values of a tensor that the function holds, such as a mask."""

import torch
from torch import Tensor

from scanproof.programs.lengths.form import LOWEST, Affine, Factor, Form, Known, Region

GREATEST = 1 << 24
"""Entries of a tensor whose values are looked at."""


def constant(value: Tensor) -> Form:
    """Return the form of a tensor whose values stay as they are."""
    form = Form.of(value.shape)
    if not 0 < value.numel() <= GREATEST or value.is_complex():
        return form
    if value.numel() == 1:
        return Form(form.axes, scalar=float(value))
    factors = [factor for axis in form.axes for factor in axis]
    if len(factors) == 1 and not value.is_floating_point() and value.dtype != torch.bool:
        numbers = value.flatten().long().cpu()
        if torch.equal(numbers, numbers[0] + torch.arange(len(numbers))):
            return Form(form.axes, numbers=Affine({factors[0]: 1}, int(numbers[0])))
    if value.dim() < 2 or not (form.axes[-1] and form.axes[-2]):
        return form
    flat = value.detach().cpu().flatten(0, -3) if value.dim() > 2 else value.detach().cpu()[None]
    rows, columns = form.axes[-2][0], form.axes[-1][0]
    return Form(form.axes, regions=(*_bands(flat, columns, rows), *_bands(flat.mT, rows, columns)))


def _bands(values: Tensor, later: Factor, earlier: Factor) -> list[Region]:
    """Return the regions beyond a diagonal of (…, earlier, later) in which all entries are alike."""
    ahead = torch.arange(values.shape[-1]) - torch.arange(values.shape[-2])[:, None]
    alike = {
        Known.ZERO: values == 0,
        Known.ONE: values == 1,
        Known.NINF: values == -torch.inf,
        Known.LOW: (values <= LOWEST) & (values > -torch.inf),
    }
    regions = []
    for known, holds in alike.items():
        others = ahead[~holds.all(0)]
        beyond = int(others.max()) if len(others) else -values.shape[-2]
        if beyond < values.shape[-1] - 1:
            regions.append(Region(known, later, earlier, beyond))
    return regions
