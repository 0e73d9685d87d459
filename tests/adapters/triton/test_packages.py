"""Kernels of mamba-ssm and fla-core, whose source passes on a CPU: no alarm is false."""

import json
import os
from typing import Any

import pytest

from scanproof.adapters.overlay import LISTS, overlay, run_over

ENABLE = "SCANPROOF_OVERLAYS=1 pytest tests/adapters/triton --scanproof-interpret"
pytestmark = [
    pytest.mark.usefixtures("interpreting"),
    pytest.mark.skipif("SCANPROOF_OVERLAYS" not in os.environ, reason=f"installs packages: {ENABLE}"),
]
CASES = {
    "ssd": ("mamba-ssm", "SsdScan", ("--log-window=16", "--rounding=tf32")),
    "chunk_simple_gla": ("fla", "GatedLinearAttention", ("--log-window=64", "--rounding=tf32")),
    "recurrent_gla": ("fla", "GatedLinearAttention", ("--log-window=37", "--sizes=g=8", "--gradients")),
    "recurrent_retention": ("fla", "GatedLinearAttention", ("--constant=g",)),
    "recurrent_comba": ("fla", "Comba", ()),
    "chunk_comba": ("fla", "Comba(chunk_size=64)", ("--exact-products",)),
    "recurrent_dplr": ("fla", "GeneralizedDeltaRule", ("--sizes=g=8",)),
    "chunk_dplr": ("fla", "GeneralizedDeltaRule(chunk_size=16)", ("--sizes=g=8", "--exact-products")),
    "gated_rms_norm": ("fla", "GatedNorm(activation='sigmoid')", ("--gradients",)),
    "gated_layer_norm": (
        "fla",
        "GatedNorm(groups=2, centred=True, norm_before_gate=False)",
        ("--gradients",),
    ),
    "chunk_gated_delta_rule": ("fla", "GatedDeltaRule(chunk_size=64)", ("--exact-products",)),
}


@pytest.mark.parametrize("name", CASES)
def test_kernels_of_packages_pass(name: str) -> None:
    package, spec, options = CASES[name]
    target = f"tests.adapters.triton.subjects:{name}"
    command = ["-m", "scanproof", "kernel", target, "--spec", spec, *options, "--json", "--quiet"]
    done = run_over(overlay(LISTS / f"{package}.txt"), command, timeout=600)
    document: dict[str, Any] = json.loads(done.stdout)
    whole = document["reports"][0]
    assert done.returncode == 0, whole["summary"]
    assert (whole["verdict"], whole["subject"]) == ("CLEAN", target)
    assert whole["fields"]["launches"]
