"""Functions of JAX, MLX and ggml as subjects; the packages are installed into overlays, by an option."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from scanproof import (
    LinearRecurrence,
    Verdict,
    assert_strictly_causal,
    certify,
    check_perturbation,
    check_prefix,
    check_refinement,
)
from scanproof.adapters.bare import bare_module
from scanproof.adapters.foreign import foreign, foreign_jax, foreign_mlx
from scanproof.adapters.kernels.ggml_graph import ggml
from scanproof.adapters.kernels.registry import OVERLAYS
from scanproof.adapters.kernels.subject import Subject
from scanproof.adapters.overlay import LISTS, overlay
from scanproof.errors import MissingDependency
from scanproof.refinement.kernels.cases import random_inputs

ENABLE = "SCANPROOF_OVERLAYS=1 pytest tests/adapters/test_foreign_libraries.py"
LIBRARIES = ("ggml", "mlx", "recurrentgemma")

installs = pytest.mark.skipif("SCANPROOF_OVERLAYS" not in os.environ, reason=f"installs packages: {ENABLE}")
quiet = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)


def names(module: str) -> list[str]:
    return [subject.name for subject in import_module(f"scanproof.adapters.kernels.{module}").subjects()]


def folder_of(module: str) -> Path:
    return overlay(LISTS / OVERLAYS[module])


def subject_named(module: str, name: str) -> Subject:
    found = import_module(f"scanproof.adapters.kernels.{module}").subjects(folder_of(module))
    subject: Subject
    [subject] = [each for each in found if each.name == name]
    return subject


TAIL = "ggml.cpu:rwkv_wkv7 with 48 per head"


@installs
@quiet
@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module in LIBRARIES for name in names(module) if name != TAIL]
)
def test_kernels_refine_and_are_causal(module: str, name: str) -> None:
    subject = subject_named(module, name)
    report = subject.refinement()
    assert report.verdict is Verdict.REFINES, report.summary()
    fn, x = subject.function()
    check_perturbation(fn, x, cuts=(1, 7, 16, 20, 36), cases=1).require()
    check_prefix(fn, x, cuts=(8, 17), cases=1).require()
    if subject.no_gradient:
        assert certify(fn, x, cases=1).verdict is Verdict.INCONCLUSIVE
        return
    gradients = subject.gradient_refinement()
    assert gradients.verdict is Verdict.REFINES, gradients.summary()
    assert set(gradients.gradients) == set(subject.inputs())
    assert_strictly_causal(fn, x, cuts="coded", cases=1)


@installs
@pytest.mark.parametrize("size", [48, 80, 96])
def test_a_loop_without_a_tail_is_found_in_ggml(size: int) -> None:
    """Head sizes that AVX-512 takes 64 at a time; multiples of 64 are right (Verdict.REFINES above)."""
    if not ggml(folder_of("ggml")).has_avx512:
        pytest.skip("needs AVX-512")
    subject = subject_named("ggml", TAIL)
    subject = Subject(**{**vars(subject), "sizes": dict.fromkeys(("state", "channel", "g"), size)})
    assert subject.refinement().verdict is Verdict.REFUTED


@installs
def test_the_program_of_the_finding_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(folder_of("ggml"))
    page = (Path(__file__).parents[2] / "docs" / "census-findings.md").read_text()
    section = page.partition("rwkv_wkv7 with 48 per head\n")[2]
    code = section.partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["size"] == 64 or not ggml(folder_of("ggml")).has_avx512


@installs
@pytest.mark.usefixtures("_quiet")
def test_the_program_of_a_wrong_backward_pass_shows_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(overlay(LISTS / "mlstm-kernels.txt"))
    page = (Path(__file__).parents[2] / "docs" / "census-findings.md").read_text()
    section = page.partition("## A backward pass takes the normaliser as a constant")[2]
    names: dict[str, Any] = {}
    for part in (page, section):
        exec(part.partition("```python\n")[2].partition("```")[0], names)
    assert capsys.readouterr().out.count("_custbw: 5e-01 of the greatest gradient") == 3


@installs
@pytest.mark.parametrize("fault", [1e-4, "late"])
def test_faults_around_ggml_are_refuted(fault: Any) -> None:
    subject = subject_named("ggml", "ggml.cpu:gated_linear_attn")
    right = subject.load()

    def wrong(**inputs: Tensor) -> Any:
        y, last = right(**inputs)
        return (y.roll(1, 1) if fault == "late" else y * (1 + fault)), last

    report = check_refinement(wrong, subject.kernel, subject.inputs(), shrink=False)
    assert report.verdict is Verdict.REFUTED


@installs
def test_drawn_cases_without_some_inputs_reach_ggml() -> None:
    subject = subject_named("ggml", "ggml.cpu:gated_linear_attn")
    kernel, right = subject.kernel, subject.load()
    for seed in range(10):
        left_out = frozenset({"initial_state"}) if seed % 2 else frozenset()
        x = random_inputs(kernel, seed=seed, without=left_out, time=1 + seed, state=16, channel=16, g=16)
        assert check_refinement(right, kernel, x).verdict is Verdict.REFINES


def test_ggml_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingDependency, match="ggml is missing; install ggml-py"):
        ggml(tmp_path)


@pytest.fixture
def scans() -> dict[str, Any]:
    """Right and wrong scans of JAX and MLX."""
    bare_module(
        "recurrentgemma.jax.complex_lib", folder=folder_of("recurrentgemma"), inert=("flax", "einops")
    )
    bare_module("mlx_lm.models.ssm", folder=folder_of("mlx"))
    jax, mx = import_module("jax"), import_module("mlx.core")

    def by_jax(x: Any, g: Any, initial_state: Any = None) -> Any:
        start = jax.numpy.zeros_like(x[:, 0]) if initial_state is None else initial_state

        def step(h: Any, token: Any) -> Any:
            h = token[0] * h + token[1]
            return h, h

        last, y = jax.lax.scan(step, start, (g.swapaxes(0, 1), x.swapaxes(0, 1)))
        return y.swapaxes(0, 1), last

    def by_mlx(x: Any, g: Any, initial_state: Any = None) -> Any:
        h, y = mx.zeros_like(x[:, 0]) if initial_state is None else initial_state, []
        for t in range(x.shape[1]):
            h = g[:, t] * h + x[:, t]
            y.append(h)
        return mx.stack(y, axis=1), h

    without_gradient = jax.custom_vjp(lambda g: g)
    without_gradient.defvjp(lambda g: (g, None), lambda _, dg: (0 * dg,))
    return {
        "jax": foreign_jax(jax.jit(by_jax)),
        "mlx": foreign_mlx(by_mlx),
        "jax, dropped": foreign_jax(jax.jit(lambda x, g, **start: by_jax(x, without_gradient(g), **start))),
        "mlx, dropped": foreign_mlx(lambda x, g, **start: by_mlx(x, mx.stop_gradient(g), **start)),
        "jax, leaking": foreign_jax(jax.jit(lambda x, g: by_jax(x, g)[0].at[:, 7].add(1e-6 * x[:, 8]))),
        "mlx, leaking": foreign_mlx(lambda x, g: leaking(mx, by_mlx(x, g)[0], x)),
    }


def leaking(mx: Any, y: Any, x: Any) -> Any:
    return mx.concatenate([y[:, :7], y[:, 7:8] + 1e-6 * x[:, 8:9], y[:, 8:]], axis=1)


@installs
@quiet
def test_gradients_by_the_library_are_checked(scans: dict[str, Any]) -> None:
    x = random_inputs(LinearRecurrence(), seed=0, time=13)
    for name in ("jax", "mlx"):
        right = check_refinement(scans[name], LinearRecurrence(), x, gradients=True, shrink=False)
        assert right.verdict is Verdict.REFINES, right.summary()
        dropped = scans[f"{name}, dropped"]
        wrong = check_refinement(dropped, LinearRecurrence(), x, gradients=True, shrink=False)
        assert wrong.verdict is Verdict.REFUTED, wrong.summary()
        assert wrong.worst is not None
        assert wrong.worst.output == "dg"


@installs
@quiet
def test_a_leak_is_told_from_rounding_in_float64(scans: dict[str, Any]) -> None:
    x = random_inputs(LinearRecurrence(), seed=0, time=13, without=frozenset({"initial_state"}))
    for name in ("jax", "mlx"):
        found = certify(scans[f"{name}, leaking"], x, cuts="all", cases=1)
        assert found.verdict is Verdict.LEAK, found.summary()
        assert found.temporal.evidence is not None
        assert found.temporal.evidence.high > 0
        assert certify(scans[name], x, output=0, cuts="all", cases=1).verdict is Verdict.CAUSAL


@installs
@quiet
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64, torch.int32])
def test_numbers_arrive_and_return_unchanged(scans: dict[str, Any], dtype: torch.dtype) -> None:
    x = (4 * torch.randn(3, 4)).to(dtype)
    for make in (foreign_jax, foreign_mlx):
        seen: list[str] = []
        same = make(lambda x, seen=seen: seen.append(str(x.dtype)) or x)(x)
        assert str(dtype).removeprefix("torch.") in seen[0]
        assert torch.equal(x, same)
        assert x.dtype is same.dtype
    over_dlpack = foreign(import_module("jax").dlpack.from_dlpack, arrays="dlpack")
    if dtype is not torch.float64:
        assert torch.equal(over_dlpack(x), x)


@installs
@quiet
def test_bfloat16_arrives_in_numpy_by_ml_dtypes(scans: dict[str, Any]) -> None:
    x = torch.randn(3, 4).bfloat16()
    y = foreign(lambda x: (x + x).astype(x.dtype))(x)
    assert y.dtype is torch.bfloat16
    assert torch.equal(y, x + x)
    assert np.dtype(import_module("ml_dtypes").bfloat16).name == "bfloat16"
