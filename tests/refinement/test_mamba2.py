"""The Mamba-2 block's shapes, its state, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from scanproof import InvalidArgument, Mamba2BlockSpec, Verdict, check_refinement
from scanproof.refinement.kernels.arithmetic import EXACT

SHAPES = {
    "inProj": (24, 3), "inBias": (24,), "convWeight": (14, 3), "convBias": (14,), "dtBias": (2,),
    "aLog": (2,), "D": (2,), "normWeight": (8,), "outProj": (3, 8), "outBias": (3,),
}  # fmt: skip


def spec(**changes):
    rng = np.random.default_rng(0)
    arrays = {name: rng.integers(-2, 3, shape) / 2 for name, shape in SHAPES.items()}
    return Mamba2BlockSpec(**{**arrays, "groups": 1, "eps": 0.5, **changes})


X = np.random.default_rng(1).integers(-2, 3, (2, 7, 3)) / 2


def test_sizes_have_the_names_of_the_lean_structure():
    assert repr(spec()) == (
        "Mamba2BlockSpec(inputDim=3, heads=2, groups=1, headDim=4, stateDim=3, outputDim=3, convWidth=3)"
    )


@pytest.mark.parametrize("cut", [0, 1, 4, 7])
def test_a_run_goes_on_from_its_state(cut):
    whole, last = spec().run(X)
    first, state = spec().run(X[:, :cut])
    second, end = spec().run(X[:, cut:], state)
    assert np.array_equal(np.concatenate([first, second], axis=1), whole)
    assert all(np.array_equal(a, b) for a, b in zip(end, last, strict=True))
    assert last.h.shape == (2, 2, 4, 3)
    assert last.window.shape == (2, 2, 14)


def test_the_window_of_logarithms_changes_the_bound_alone():
    x, narrow = torch.from_numpy(X), spec()
    wide = replace(narrow, logWindow=4)
    assert np.array_equal(narrow.run(X)[0], wide.run(X)[0])
    reports = [
        check_refinement(lambda x: torch.from_numpy(narrow.run(x.numpy())[0]), s, x) for s in (narrow, wide)
    ]
    assert all(report.verdict is Verdict.REFINES for report in reports)
    assert reports[0].worst.bound < reports[1].worst.bound
    assert [report.bound_theorem for report in reports] == ["runDiagonalTransitions_error", ""]


def test_exact_runs_are_exact():
    y, _ = spec().run(X[:, :2], arithmetic=EXACT)
    assert y.shape == (2, 2, 3)
    assert y.dtype == object


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": 3}, "8 channels, 2 heads, 3 groups"),
        ({"groups": 0}, "0 groups"),
        (
            {"inProj": np.ones((25, 3)), "inBias": np.ones(25)},
            "inProj has 25 rows; give 8 of the gate, 14 of",
        ),
        ({"convWeight": np.ones((13, 3)), "convBias": np.ones(13)}, "convolution has 13 channels"),
        ({"convWeight": np.ones((8, 3)), "convBias": np.ones(8)}, "convolution has 8 channels"),
        ({"D": np.ones(3)}, "D has shape"),
        ({"aLog": [np.nan, 0.0]}, "aLog is not finite"),
    ],
    ids=str,
)
def test_wrong_parameters(changes, message):
    with pytest.raises(InvalidArgument, match=message):
        spec(**changes)


def test_gradients_are_refused():
    with pytest.raises(InvalidArgument, match="check it without gradients"):
        check_refinement(lambda x: x, spec(), torch.from_numpy(X), gradients=True)
