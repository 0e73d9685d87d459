"""Mixers of Mamba exported to ONNX, and run by ONNX Runtime and OpenVINO, against the spec of the block."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from scanproof import Verdict, check_perturbation, check_refinement
from scanproof.adapters.exported import by_onnxruntime, by_openvino, to_onnx
from scanproof.adapters.overlay import LISTS, overlay

ENABLE = "SCANPROOF_OVERLAYS=1 pytest tests/adapters/test_exported.py"

pytestmark = [
    pytest.mark.skipif("SCANPROOF_OVERLAYS" not in os.environ, reason=f"installs packages: {ENABLE}"),
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning",
        "ignore::FutureWarning",
        "ignore::UserWarning",
        "ignore::torch.jit.TracerWarning",
    ),
    pytest.mark.usefixtures("_quiet"),
]


def mixer_and_spec(name: str) -> tuple[torch.nn.Module, Any]:
    from scanproof.adapters import transformers

    if name == "mamba":
        mixer: Any = transformers.random_mamba_mixer(seed=0)
        return mixer, transformers.mamba_mixer_spec(mixer)
    mixer = transformers.random_mamba2_mixer(seed=0, chunk_size=8)
    return mixer, transformers.mamba2_mixer_spec(mixer)


@pytest.mark.parametrize("name", ["mamba", "mamba2"])
def test_exports_refine_the_block(name: str, monkeypatch: pytest.MonkeyPatch, rng: torch.Generator) -> None:
    folder: Path = overlay(LISTS / "exports.txt")
    monkeypatch.syspath_prepend(folder)
    mixer, spec = mixer_and_spec(name)
    x = torch.randn(2, 13, 8, generator=rng)
    model = to_onnx(mixer, x)
    for fn in (by_onnxruntime(model), by_openvino(model, "f32")):
        report = check_refinement(fn, spec, x, shrink=False)
        assert report.verdict is Verdict.REFINES, report.summary()
        check_perturbation(fn, x, cuts=(1, 5, 8, 12), cases=1).require()
    low = check_refinement(by_openvino(model, "bf16"), spec, x, shrink=False)
    assert low.verdict is Verdict.REFUTED, low.summary()
    with torch.no_grad():
        mixer.get_parameter("D").mul_(1 + 1e-3)
    assert (
        check_refinement(by_onnxruntime(to_onnx(mixer, x)), spec, x, shrink=False).verdict is Verdict.REFUTED
    )
