"""A small random causal language model of any model type of the installed transformers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import torch

from scanproof.adapters.transformers_models import randomise
from scanproof.census.lms.exceptions import SPECIAL, Special
from scanproof.census.lms.shrink import small_settings

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel


def settings_of(model_type: str) -> dict[str, Any]:
    """Return the arguments of the small config of a model type."""
    from transformers import CONFIG_MAPPING

    own = SPECIAL.get(model_type, Special("")).settings
    default = CONFIG_MAPPING[model_type]()
    settings = small_settings(default)
    for name in ("is_decoder", "causal"):
        if getattr(default, name, None) is False:
            settings[name] = True
    return merged(settings, own)


def merged(settings: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with those of an exception over them; those of sub-configs are merged."""
    result = dict(settings)
    for name, value in own.items():
        held = result.get(name)
        result[name] = merged(held, value) if isinstance(held, dict) and isinstance(value, Mapping) else value
    return result


def small_config(model_type: str) -> "PretrainedConfig":
    """Return the small config that the language model of a model type is built from."""
    from transformers import AutoConfig

    config = AutoConfig.for_model(model_type, **settings_of(model_type))
    part = SPECIAL.get(model_type, Special("")).part
    return getattr(config, part) if part else config


def small_lm(model_type: str, attention: str, *, seed: int = 0) -> "PreTrainedModel":
    """Build the small causal language model of a model type, in eval mode, with random weights.

    Args:
        model_type: a key of transformers' ``MODEL_FOR_CAUSAL_LM_MAPPING``.
        attention: implementation of attention, ``"eager"`` or ``"sdpa"``.
        seed: seed of the weights; the global generator is left as it was.

    Returns:
        A model of token ids (batch, T) whose logits have shape (batch, T, vocabulary).

    Raises:
        Exception: whatever transformers raises where the config or the model cannot be built.
    """
    from transformers import CONFIG_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING, AutoModelForCausalLM

    config = small_config(model_type)
    model: Any
    auto: Any = AutoModelForCausalLM
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if type(config) in MODEL_FOR_CAUSAL_LM_MAPPING:
            model = auto.from_config(config, attn_implementation=attention)
        else:
            kind: Any = MODEL_FOR_CAUSAL_LM_MAPPING[CONFIG_MAPPING[model_type]]
            model = kind._from_config(config, attn_implementation=attention)
        randomise(model)
    return cast("PreTrainedModel", model.eval().requires_grad_(False))
