"""Kernels of mamba-ssm and fla-core, whose source passes on a CPU: no alarm is false."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

CASES = {
    "ssd": ("SsdScan", ("--log-window=16", "--rounding=tf32")),
    "chunk_simple_gla": ("GatedLinearAttention", ("--log-window=64", "--rounding=tf32")),
    "recurrent_gla": ("GatedLinearAttention", ("--log-window=37", "--sizes=g=8", "--gradients")),
    "recurrent_retention": ("GatedLinearAttention", ("--constant=g",)),
    "recurrent_comba": ("Comba", ()),
    "chunk_comba": ("Comba(chunk_size=64)", ("--exact-products",)),
    "recurrent_dplr": ("GeneralizedDeltaRule", ("--sizes=g=8",)),
    "chunk_dplr": ("GeneralizedDeltaRule(chunk_size=16)", ("--sizes=g=8", "--exact-products")),
    "gated_rms_norm": ("GatedNorm(activation='sigmoid')", ("--gradients",)),
    "gated_layer_norm": ("GatedNorm(groups=2, centred=True, norm_before_gate=False)", ("--gradients",)),
    "chunk_gated_delta_rule": ("GatedDeltaRule(chunk_size=64)", ("--exact-products",)),
}


@pytest.mark.parametrize("name", CASES)
def test_kernels_of_packages_pass(
    name: str, over_packages: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    spec, options = CASES[name]
    target = f"tests.adapters.triton.subjects:{name}"
    command = ["-m", "scanproof", "kernel", target, "--spec", spec, *options, "--json", "--quiet"]
    done = over_packages("triton.txt", *command)
    document: dict[str, Any] = json.loads(done.stdout)
    whole = document["reports"][0]
    assert done.returncode == 0, whole["summary"]
    assert (whole["verdict"], whole["subject"]) == ("CLEAN", target)
    assert whole["fields"]["launches"]
