"""A checkpoint's parameters land where the runner reads them."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from scan_case import sequential
from scanproof.errors import InvalidArgument
from scanproof.refinement.arithmetic import EXACT
from scanproof.refinement.cases import random_fractions
from scanproof.refinement.checkpoint import MambaCheckpoint

SHAPES = {
    "in_proj_weight": (10, 3),
    "conv1d_weight": (5, 1, 4),
    "x_proj_weight": (2 + 2 * 6, 5),
    "dt_proj_weight": (5, 2),
    "dt_proj_bias": (5,),
    "A_log": (5, 6),
    "D": (5,),
    "out_proj_weight": (7, 5),
    "in_proj_bias": (10,),
    "conv1d_bias": (5,),
    "out_proj_bias": (7,),
}


@pytest.fixture
def checkpoint() -> MambaCheckpoint:
    rng = np.random.default_rng(0)
    return MambaCheckpoint(**{name: rng.normal(size=shape) for name, shape in SHAPES.items()})


def mamba_in_torch(checkpoint: MambaCheckpoint, x: Tensor) -> Tensor:
    """The Mamba block as its PyTorch reference writes it, from the same parameters."""
    p = {
        field.name: torch.from_numpy(np.array(getattr(checkpoint, field.name)))
        for field in fields(checkpoint)
    }
    hidden, z = functional.linear(x, p["in_proj_weight"], p["in_proj_bias"]).transpose(1, 2).chunk(2, dim=1)
    conv = functional.conv1d(hidden, p["conv1d_weight"], p["conv1d_bias"], padding=3, groups=5)
    v = functional.silu(conv[..., : x.shape[1]])
    dt, B, C = functional.linear(v.transpose(1, 2), p["x_proj_weight"]).split([2, 6, 6], dim=-1)
    y = sequential(
        v,
        (dt @ p["dt_proj_weight"].T).transpose(1, 2),
        -torch.exp(p["A_log"]),
        B.transpose(1, 2),
        C.transpose(1, 2),
        p["D"],
        z,
        p["dt_proj_bias"],
        delta_softplus=True,
    )
    return functional.linear(y.transpose(1, 2), p["out_proj_weight"], p["out_proj_bias"])


def test_the_spec_computes_what_pytorch_computes(checkpoint: MambaCheckpoint) -> None:
    x = torch.randn(2, 9, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y, _ = checkpoint.spec().run(x.numpy())
    torch.testing.assert_close(torch.from_numpy(y), mamba_in_torch(checkpoint, x), rtol=1e-10, atol=1e-12)


def test_missing_biases_are_zero(checkpoint: MambaCheckpoint) -> None:
    x = np.random.default_rng(1).normal(size=(1, 4, 3))
    optional = ("in_proj_bias", "conv1d_bias", "out_proj_bias")
    nothing: dict[str, Any] = dict.fromkeys(optional)
    without = replace(checkpoint, **nothing)
    zeros = replace(checkpoint, **{name: np.zeros(SHAPES[name]) for name in optional})
    assert without.spec().run(x)[0].tobytes() == zeros.spec().run(x)[0].tobytes()


def test_state_dict(checkpoint: MambaCheckpoint) -> None:
    keys = {}
    for name in SHAPES:
        module, _, kind = name.rpartition("_")
        keys["mixer." + (f"{module}.{kind}" if kind in ("weight", "bias") else name)] = torch.from_numpy(
            np.array(getattr(checkpoint, name))
        ).to(torch.bfloat16)
    read = MambaCheckpoint.from_state_dict(keys, prefix="mixer.")
    for name in SHAPES:
        want = torch.from_numpy(np.array(getattr(checkpoint, name))).to(torch.bfloat16).double()
        assert torch.equal(torch.from_numpy(np.array(getattr(read, name))), want)
    del keys["mixer.conv1d.bias"]
    assert MambaCheckpoint.from_state_dict(keys, prefix="mixer.").conv1d_bias is None
    del keys["mixer.x_proj.weight"]
    with pytest.raises(InvalidArgument, match=r"'mixer.x_proj.weight' is not in the state dict"):
        MambaCheckpoint.from_state_dict(keys, prefix="mixer.")


def test_mapping_in_exact_arithmetic() -> None:
    rng = np.random.default_rng(0)
    exact = MambaCheckpoint(**{name: random_fractions(shape, rng) for name, shape in SHAPES.items()})
    spec = exact.spec(EXACT)
    surrogate = 1 + exact.A_log + exact.A_log * exact.A_log
    assert (spec.A + surrogate == 0).all()
    assert (spec.convWeight[:, 0] == exact.conv1d_weight[:, 0, 3]).all()
    y, _ = spec.run(random_fractions((1, 1, 3), rng), arithmetic=EXACT)
    assert y.shape == (1, 1, 7)


@pytest.mark.parametrize("name", SHAPES)
def test_wrong_shapes(checkpoint: MambaCheckpoint, name: str) -> None:
    shape = SHAPES[name]
    larger = np.ones((*shape[:-1], shape[-1] + 1)) if len(shape) == 1 else np.ones((shape[0] + 1, *shape[1:]))
    with pytest.raises(InvalidArgument, match=r"MambaCheckpoint: \w+ has shape"):
        replace(checkpoint, **{name: larger})
