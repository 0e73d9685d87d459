"""The unmodified MambaMixer refines the runner; a wrong parameter or a wrong place is refuted."""

import copy
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor

from mixers import off_by_a_hundredth, tokens
from scanproof import InvalidArgument, Rounding, Verdict, check_refinement
from scanproof.adapters.transformers import mamba_mixer_checkpoint, mamba_mixer_spec, random_mamba_mixer
from verdicts import present

if TYPE_CHECKING:
    from transformers.models.mamba.modeling_mamba import MambaMixer

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.usefixtures("_quiet")


@pytest.fixture(scope="module")
def mixer() -> "MambaMixer":
    return random_mamba_mixer()


def test_refines_in_float32(mixer: "MambaMixer") -> None:
    report = check_refinement(mixer, mamba_mixer_spec(mixer), tokens())
    assert report.verdict is Verdict.REFINES, report.summary()
    assert 1e-3 < present(report.worst).ratio <= 1
    assert report.sharpness < 1e-3
    assert report.theorem == "selectiveMamba_runList_append_outputs_prefix"


@pytest.mark.parametrize(
    "options",
    [
        {"use_bias": False},
        {"use_conv_bias": False},
        {"conv_kernel": 1},
        {"conv_kernel": 2, "state_size": 1, "time_step_rank": 1},
        {"hidden_size": 5, "expand": 3, "state_size": 7},
    ],
    ids=str,
)
def test_refines_in_every_shape(options: dict[str, Any]) -> None:
    mixer = random_mamba_mixer(seed=3, **options)
    report = check_refinement(mixer, mamba_mixer_spec(mixer), tokens(20, width=mixer.hidden_size))
    assert report.verdict is Verdict.REFINES, report.summary()


def test_refines_from_a_checkpoint_and_in_train_mode(mixer: "MambaMixer") -> None:
    mixer = copy.deepcopy(mixer).train()
    assert check_refinement(mixer, mamba_mixer_checkpoint(mixer), tokens()).verdict is Verdict.REFINES


def test_float64_is_accurate_to_float32_only() -> None:
    """It casts A_log, D, B and the bias of dt to float32 in every precision."""
    mixer = random_mamba_mixer(dtype=torch.float64)
    with torch.no_grad():
        for parameter in mixer.parameters():
            parameter.add_(1e-9 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)))
    spec, x = mamba_mixer_spec(mixer), tokens(dtype=torch.float64)
    assert check_refinement(mixer, spec, x).verdict is Verdict.REFUTED
    assert check_refinement(mixer, spec, x, rounding=torch.float32).verdict is Verdict.REFINES


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_accumulates_in_float32(dtype: torch.dtype) -> None:
    mixer = random_mamba_mixer(hidden_size=4, state_size=2, dtype=dtype)
    spec, x = mamba_mixer_spec(mixer), tokens(dtype=dtype, width=4)
    report = check_refinement(mixer, spec, x, rounding=Rounding.of(dtype, accumulator=torch.float32))
    assert report.verdict is Verdict.REFINES, report.summary()
    assert report.worst.ratio > 0.1
    assert check_refinement(mixer, spec, x).worst.bound > report.worst.bound


def test_the_function_is_decided_where_the_bound_is_too_wide_to_mean_anything() -> None:
    mixer = random_mamba_mixer(dtype=torch.bfloat16)
    report = check_refinement(mixer, mamba_mixer_spec(mixer), tokens(dtype=torch.bfloat16))
    assert report.verdict is Verdict.EQUAL
    assert "finer rounding" in report.reason
    report = check_refinement(mixer, mamba_mixer_spec(mixer), tokens(dtype=torch.bfloat16), exact=False)
    assert report.verdict is Verdict.INCONCLUSIVE


PARAMETERS = [name for name, _ in random_mamba_mixer().named_parameters()]


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_counts(mixer: "MambaMixer", name: str) -> None:
    """One entry off by a hundredth in the implementation is refuted."""
    changed = off_by_a_hundredth(mixer, name)
    report = check_refinement(changed, mamba_mixer_spec(mixer), tokens(), shrink=False)
    assert report.verdict is Verdict.REFUTED, report.summary()


def test_taps_and_gate_have_their_places(mixer: "MambaMixer") -> None:
    spec, x = mamba_mixer_spec(mixer), tokens()
    for name, change in {
        "conv1d.weight": lambda weight: weight.flip(-1),
        "in_proj.weight": lambda weight: weight.roll(len(weight) // 2, 0),
        "x_proj.weight": lambda weight: torch.cat([weight[:2], weight[6:], weight[2:6]]),
    }.items():
        changed = copy.deepcopy(mixer)
        with torch.no_grad():
            parameter = changed.get_parameter(name)
            parameter.copy_(change(parameter.clone()))
        assert check_refinement(changed, spec, x, shrink=False).verdict is Verdict.REFUTED, name


def run_in_pieces(mixer: "MambaMixer", x: Tensor, lengths: list[int]) -> Tensor:
    cache = transformers.DynamicCache(config=mixer.config)
    return torch.cat([mixer(part, cache_params=cache) for part in x.split(lengths, dim=1)], dim=1)


def test_single_cached_tokens_refine(mixer: "MambaMixer") -> None:
    report = check_refinement(
        lambda x: run_in_pieces(mixer, x, [x.shape[1] - 6] + [1] * 6),
        mamba_mixer_spec(mixer),
        tokens(),
        shrink=False,
    )
    assert report.verdict is Verdict.REFINES, report.summary()


def test_several_cached_tokens_start_from_a_zero_state() -> None:
    """A fault of transformers 5.23, found by the check: the scan of a continued call forgets the cache."""
    mixer = random_mamba_mixer()
    report = check_refinement(
        lambda x: run_in_pieces(mixer, x, [20, 17]), mamba_mixer_spec(mixer), tokens(), shrink=False
    )
    if report.verdict is Verdict.REFINES:
        pytest.skip("this transformers continues from the cached state")
    assert report.verdict is Verdict.REFUTED
    assert present(present(report.worst).t) >= 20


def test_left_padding_leaks_the_input_bias_into_the_convolution() -> None:
    """A fault of transformers 5.23, found by the check: only without ``use_bias`` is padding invisible."""

    def padded(mixer: "MambaMixer", x: Tensor) -> Tensor:
        ahead = torch.zeros(x.shape[0], 3, x.shape[2])
        mask = torch.cat([torch.zeros(x.shape[0], 3), torch.ones(x.shape[:2])], dim=1).long()
        return mixer(torch.cat([ahead, x], dim=1), attention_mask=mask)[:, 3:]

    verdicts = {}
    for use_bias in (False, True):
        mixer = random_mamba_mixer(use_bias=use_bias)
        report = check_refinement(
            lambda x, mixer=mixer: padded(mixer, x), mamba_mixer_spec(mixer), tokens(), shrink=False
        )
        verdicts[use_bias] = report.verdict
    assert verdicts[False] is Verdict.REFINES
    if verdicts[True] is Verdict.REFINES:
        pytest.skip("this transformers masks after the projection")
    assert verdicts[True] is Verdict.REFUTED


def test_seeds_decide_and_leave_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    first, again, other = (random_mamba_mixer(seed=seed) for seed in (5, 5, 6))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(first.A_log, other.A_log)
    assert not first.training


def test_wrong_modules() -> None:
    with pytest.raises(InvalidArgument, match="mixer is a Linear; give a transformers MambaMixer"):
        mamba_mixer_spec(torch.nn.Linear(2, 2))  # type: ignore[arg-type]
    mixer = random_mamba_mixer()
    mixer.activation = "gelu"
    with pytest.raises(InvalidArgument, match="activation is 'gelu'"):
        mamba_mixer_spec(mixer)


def test_transformers_is_imported_only_when_used() -> None:
    code = (
        "import sys; sys.modules['transformers'] = None\n"
        "from scanproof.adapters.transformers import random_mamba_mixer\n"
        "try:\n    random_mamba_mixer()\n"
        "except ImportError as error:\n    print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install 'scanproof[transformers]'" in said
