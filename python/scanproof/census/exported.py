"""Mixers exported to ONNX as subjects of the census: ONNX Runtime and OpenVINO against the block's spec."""

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.metadata import distributions
from pathlib import Path

import torch
from torch import nn

from scanproof.adapters.exported import Run, by_onnxruntime, by_openvino, to_onnx
from scanproof.causality.outputs.perturbation import check_perturbation
from scanproof.census.answers import answer, some_positions
from scanproof.census.subject import Answer, Subject
from scanproof.refinement.check import check_refinement
from scanproof.refinement.runners import Spec

LENGTH = 37
RUNTIMES: Mapping[str, Callable[[bytes], Run]] = {
    "onnxruntime": by_onnxruntime,
    "openvino": partial(by_openvino, precision="f32"),
}


def exports(folder: Path) -> Iterator[Subject]:
    """Yield the subjects; the runtimes are in ``folder``, which a check adds to the path of Python."""
    for package in RUNTIMES:
        version = next(iter(distributions(name=package, path=[str(folder)]))).version
        for mixer in ("MambaMixer", "Mamba2Mixer"):
            yield Subject(
                f"{package}: {mixer}",
                package,
                partial(_answers, package, mixer, folder),
                f"exported to ONNX in float32 for T = {LENGTH}, against the spec of its block",
                version,
            )


def _answers(package: str, name: str, folder: Path, seed: int) -> Iterator[Answer]:
    sys.path.append(str(folder))
    x = torch.randn(2, LENGTH, 8, generator=torch.Generator().manual_seed(seed))
    mixer, spec = _mixer(name, seed)
    fn = RUNTIMES[package](to_onnx(mixer, x))
    cuts = some_positions(LENGTH)
    yield answer("perturbation", lambda: check_perturbation(fn, x, cuts=cuts, cases=1, seed=seed))
    yield answer("refinement", lambda: check_refinement(fn, spec, x, shrink=False))


def _mixer(name: str, seed: int) -> tuple[nn.Module, Spec]:
    from scanproof.adapters import transformers

    if name == "MambaMixer":
        mamba = transformers.random_mamba_mixer(seed=seed)
        return mamba, transformers.mamba_mixer_spec(mamba)
    mamba2 = transformers.random_mamba2_mixer(seed=seed, chunk_size=8)
    return mamba2, transformers.mamba2_mixer_spec(mamba2)
