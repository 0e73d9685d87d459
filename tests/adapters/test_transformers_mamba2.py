"""The unmodified Mamba2Mixer refines the runner; a wrong parameter or a wrong place is refuted."""

import copy
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor

from mixers import off_by_a_hundredth, tokens
from scan_case import Scan
from scanproof import InvalidArgument, Verdict, check_refinement
from scanproof.adapters.transformers import mamba2_mixer_spec, random_mamba2_mixer
from verdicts import present

if TYPE_CHECKING:
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

transformers = pytest.importorskip("transformers")
modeling = pytest.importorskip("transformers.models.mamba2.modeling_mamba2")
pytestmark = pytest.mark.usefixtures("_quiet")


@pytest.fixture(scope="module")
def mixer() -> "Mamba2Mixer":
    return random_mamba2_mixer(n_groups=2)


@pytest.mark.parametrize("groups", [1, 2])
def test_refines_in_float32(groups: int) -> None:
    mixer = random_mamba2_mixer(n_groups=groups, chunk_size=8)
    report = check_refinement(mixer, mamba2_mixer_spec(mixer), tokens())
    assert report.verdict is Verdict.REFINES, report.summary()
    assert 1e-3 < report.worst.ratio <= 1
    assert report.sharpness < 1e-3
    assert report.theorem == "mamba2_append_outputs_prefix"
    assert report.bound_theorem == ""  # none is about sums of logarithms


@pytest.mark.parametrize(
    "options",
    [
        {"use_bias": False},
        {"use_conv_bias": False},
        {"conv_kernel": 1},
        {"conv_kernel": 2, "state_size": 1, "chunk_size": 64},
        {"hidden_size": 6, "num_heads": 6, "head_dim": 3, "n_groups": 3, "state_size": 5},
        {"time_step_limit": (0.3, 0.9)},
    ],
    ids=str,
)
def test_refines_in_every_shape(options: dict[str, Any]) -> None:
    mixer = random_mamba2_mixer(seed=3, **options)
    report = check_refinement(mixer, mamba2_mixer_spec(mixer), tokens(20, width=mixer.hidden_size))
    assert report.verdict is Verdict.REFINES, report.summary()


@pytest.mark.parametrize("options", [{}, {"n_groups": 2, "time_step_limit": (0.3, 0.9)}], ids=str)
def test_gradients_refine(options: dict[str, Any]) -> None:
    mixer = random_mamba2_mixer(chunk_size=8, **options)
    report = check_refinement(mixer, mamba2_mixer_spec(mixer), tokens(), gradients=True)
    assert report.verdict is Verdict.REFINES, report.summary()
    assert 1e-4 < report.greatest["dx"] <= 1
    assert report.bound_theorem == ""


def test_a_norm_whose_scale_has_no_gradient_is_refuted(
    mixer: "Mamba2Mixer", monkeypatch: pytest.MonkeyPatch
) -> None:
    def forward(y: Tensor, z: Tensor) -> Tensor:
        gated = y * torch.nn.functional.silu(z.float())
        groups = gated.unflatten(-1, (2, -1))
        scale = (groups.square().mean(-1, keepdim=True) + mixer.norm.variance_epsilon).rsqrt()
        return mixer.norm.weight * (groups * scale.detach()).flatten(-2)

    spec = mamba2_mixer_spec(mixer)
    monkeypatch.setattr(mixer.norm, "forward", forward)
    assert check_refinement(mixer, spec, tokens()).verdict is Verdict.REFINES
    report = check_refinement(mixer, spec, tokens(), gradients=True, shrink=False)
    assert report.verdict is Verdict.REFUTED
    assert present(report.worst).output == "dx"


def test_refines_in_train_mode(mixer: "Mamba2Mixer") -> None:
    mixer = copy.deepcopy(mixer).train()
    assert check_refinement(mixer, mamba2_mixer_spec(mixer), tokens()).verdict is Verdict.REFINES


def test_float64_is_accurate_to_float32_only() -> None:
    """It casts A_log, the scan and the norm to float32 in every precision."""
    mixer = random_mamba2_mixer(dtype=torch.float64)
    spec, x = mamba2_mixer_spec(mixer), tokens(dtype=torch.float64)
    assert check_refinement(mixer, spec, x, shrink=False).verdict is Verdict.REFUTED
    assert check_refinement(mixer, spec, x, rounding=torch.float32).verdict is Verdict.REFINES


PARAMETERS = [name for name, _ in random_mamba2_mixer().named_parameters()]


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_counts(mixer: "Mamba2Mixer", name: str) -> None:
    """One entry off by a hundredth in the implementation is refuted."""
    changed = off_by_a_hundredth(mixer, name)
    report = check_refinement(changed, mamba2_mixer_spec(mixer), tokens(), shrink=False)
    assert report.verdict is Verdict.REFUTED, report.summary()


Results = tuple[Tensor, Tensor]


def growing(scan: Scan, x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, **options: object) -> Results:
    return scan(x, dt, -A, B, C, **options)


def tiled(scan: Scan, x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, **options: object) -> Results:
    """Heads 0, 2 and 1, 3 share a group, not 0, 1 and 2, 3."""
    B, C = (each.repeat(1, 1, x.shape[2] // each.shape[2], 1) for each in (B, C))
    return scan(x, dt, A, B, C, **options)


def without_limits(scan: Scan, *arguments: Tensor, dt_limit: object, **options: object) -> Results:
    return scan(*arguments, **options)


@pytest.mark.parametrize("fault", [growing, tiled, without_limits])
def test_a_wrong_scan_is_refuted(monkeypatch: pytest.MonkeyPatch, fault: Callable[..., Results]) -> None:
    mixer = random_mamba2_mixer(n_groups=2, time_step_limit=(0.3, 0.9))
    spec, scan = mamba2_mixer_spec(mixer), modeling.mamba2_chunk_scan
    assert check_refinement(mixer, spec, tokens()).verdict is Verdict.REFINES
    monkeypatch.setattr(modeling, "mamba2_chunk_scan", lambda *a, **k: fault(scan, *a, **k))
    assert check_refinement(mixer, spec, tokens(), shrink=False).verdict is Verdict.REFUTED


def test_the_gate_comes_before_the_norm_and_the_norm_has_groups(
    mixer: "Mamba2Mixer", monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = mamba2_mixer_spec(mixer)
    changed = copy.deepcopy(mixer)
    changed.norm.group_size *= 2
    assert check_refinement(changed, spec, tokens(), shrink=False).verdict is Verdict.REFUTED
    norm = mixer.norm.forward
    monkeypatch.setattr(mixer.norm, "forward", lambda y, z: norm(y) * torch.nn.functional.silu(z))
    assert check_refinement(mixer, spec, tokens(), shrink=False).verdict is Verdict.REFUTED


def test_single_cached_tokens_refine_unless_a_limit_binds() -> None:
    def run(x: Tensor) -> Tensor:
        cache = transformers.DynamicCache(config=transformers.Mamba2Config(num_hidden_layers=1))
        parts = x.split([x.shape[1] - 6] + [1] * 6, dim=1)
        return torch.cat([mixer(part, cache_params=cache) for part in parts], dim=1)

    for limit, verdict in (((0.0, math.inf), Verdict.REFINES), ((0.3, 0.9), Verdict.REFUTED)):
        mixer = random_mamba2_mixer(n_groups=2, time_step_limit=limit)
        report = check_refinement(run, mamba2_mixer_spec(mixer), tokens(), shrink=False)
        assert report.verdict is verdict, report.summary()


def test_wrong_modules() -> None:
    with pytest.raises(InvalidArgument, match="mixer is a Linear; give a transformers Mamba2Mixer"):
        mamba2_mixer_spec(torch.nn.Linear(2, 2))  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"num_heads \* head_dim is 16; give a multiple"):
        random_mamba2_mixer(hidden_size=5)
    mixer = random_mamba2_mixer()
    mixer.norm.group_size = 8
    with pytest.raises(InvalidArgument, match="norm has groups of 8 of 16 channels"):
        mamba2_mixer_spec(mixer)
    mixer.activation = "gelu"
    with pytest.raises(InvalidArgument, match="activation is 'gelu'"):
        mamba2_mixer_spec(mixer)
