"""Faults put into one layer of a model: reading names the layer, whatever computes the fault.

The protocol is that of "The Mask Is Not the Model" (arXiv 2608.22876), as its abstract tells it: faults are
injected into layers of eight models with attention, with scans and with both, and an audit has to name the
first layer that breaks causality; its two forward passes named 192 of 192. The models here are small and
random, and the faults are our own. A gate that does not open changes nothing that two passes compare.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("transformers")

from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from scanproof.census.lms.ask import ids
from scanproof.census.lms.build import settings_of
from scanproof.census.lms.ways import function
from scanproof.programs import read

pytestmark = pytest.mark.usefixtures("_quiet")

LAYERS = 6
LENGTH = 21
HYBRID = {"layer_types": ["linear_attention", "full_attention"] * (LAYERS // 2)}
MODELS = {
    "gpt2": ("transformer.h", {}),
    "llama": ("model.layers", {}),
    "gemma3_text": ("model.layers", {"layer_types": ["sliding_attention", "full_attention"] * (LAYERS // 2)}),
    "mamba": ("backbone.layers", {}),
    "mamba2": ("backbone.layers", {}),
    "falcon_h1": ("model.layers", {}),
    "jamba": ("model.layers", {}),
    "qwen3_next": ("model.layers", HYBRID),
}
"""Where the layers of a model are, and what makes ``LAYERS`` of them."""

GATE = "the last token opens a gate"
FAULTS = {
    "the mean over time is taken off": lambda y: y - y.mean(1, keepdim=True),
    "a scan from the other end": lambda y: y + 0.5 * y.flip(1).cumsum(1).flip(1),
    "the next token, a little": lambda y: y + 1e-3 * torch.cat([y[:, 1:], y[:, :1]], 1),
    GATE: lambda y: y + (y[:, -1:] > 1e6),
}
"""What a layer returns in place of y (batch, T, width). The gate does not open here, so nothing changes."""

ROUNDED = 1e-5
"""A share of the greatest logit: experts get other groups of tokens, and round in another way."""


def model_of(model_type: str) -> tuple[PreTrainedModel, list[nn.Module]]:
    path, own = MODELS[model_type]
    settings = {**settings_of(model_type), "num_hidden_layers": LAYERS, **own}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(model_type, **settings))
    layers = list(model.get_submodule(path).children())
    assert len(layers) == LAYERS
    return model.eval(), layers


def faulty(forward: Callable[..., Any], fault: Callable[[Tensor], Tensor], *args: Any, **kwargs: Any) -> Any:
    """Run the forward of a layer, and change the hidden states that it returns."""
    y = forward(*args, **kwargs)
    return (fault(y[0]), *y[1:]) if isinstance(y, tuple) else fault(y)


def change(logits: Callable[[Tensor], Tensor], x: Tensor) -> float:
    """Return the change of logits before the last token, as a share of the greatest: two forward passes."""
    other = x.clone()
    other[:, -1] += 1
    with torch.no_grad():
        one, two = logits(x)[:, :-1], logits(other)[:, :-1]
    return ((one - two).abs().max() / one.abs().max()).item()


@pytest.mark.parametrize("model_type", MODELS)
def test_the_layer_of_a_fault_is_named(model_type: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, layers = model_of(model_type)
    plain, x = function(model, "plain"), ids(0)[:, :LENGTH]
    assert read(plain, x).established
    assert change(plain, x) < ROUNDED
    path = MODELS[model_type][0]
    missed, unseen = [], []
    for number, layer in enumerate(layers):
        for name, fault in FAULTS.items():
            with monkeypatch.context() as patch:
                patch.setattr(layer, "forward", partial(faulty, layer.forward, fault))
                answer = read(plain, x, validate=False).answer("positions")
                if change(plain, x) < ROUNDED:
                    unseen.append(name)
            named = answer.jump.module.partition(" ")[0] if answer and answer.jump else ""
            if named != f"model.{path}.{number}":
                missed.append((number, name, str(answer)))
    assert missed == []
    assert unseen == [GATE] * LAYERS


def test_there_are_as_many_trials_as_in_the_paper() -> None:
    assert len(MODELS) * LAYERS * len(FAULTS) == 192
