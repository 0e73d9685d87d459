"""The Triton kernels of flash-linear-attention (fla-core 0.6.0), in one table of signatures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from scanproof.adapters.kernels.subject import Implementation, Subject
from scanproof.refinement.kernels.attention import GatedLinearAttention, Rwkv6
from scanproof.refinement.kernels.delta import Comba, GatedDeltaRule
from scanproof.refinement.kernels.gated_norm import GatedNorm
from scanproof.refinement.kernels.generalized_delta import GeneralizedDeltaRule
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.kernels.linear import LinearRecurrence
from scanproof.refinement.kernels.selective import CausalConv1d

_SCALE = 0.5
_LAYER, _LAYERS = 1, 4


@dataclass(frozen=True)
class Signature:
    """How a function is called.

    Attributes:
        function: ``module:name``, below ``fla``.
        kernel: the kernel that it should refine.
        renamed: inputs of the kernel that have another name in the function.
        scalars: inputs with one number for each head, without the last axis of the kernel.
        heads: inputs with one number for each head at all tokens.
        options: further arguments of the function.
        state: whether it takes an initial state and returns the last state.
        scaled: whether it takes a factor of the queries.
        subject: further fields of the subject.
    """

    function: str
    kernel: Kernel
    renamed: Mapping[str, str] = field(default_factory=dict)
    scalars: frozenset[str] = frozenset()
    heads: frozenset[str] = frozenset()
    options: Mapping[str, Any] = field(default_factory=dict)
    state: bool = True
    scaled: bool = True
    subject: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> Implementation:
        """Import the function, under the signature of the kernel."""
        module, _, name = self.function.partition(":")
        function = getattr(import_module(f"fla.{module}"), name)
        options = dict(self.options)
        if self.state:
            options["output_final_state"] = True
        if self.scaled:
            options["scale"] = _SCALE
        computed = self.subject.get("given", {})

        def implementation(**inputs: Tensor) -> Any:
            given = {
                self.renamed.get(name, name): self._as_taken(name, x)
                for name, x in inputs.items()
                if name not in computed
            }
            returned = function(**given, **options)
            y, *rest = returned if isinstance(returned, tuple) else (returned,)
            return (y, rest[0]) if self.state else y

        return implementation

    def _as_taken(self, name: str, x: Tensor) -> Tensor:
        if name in self.heads:
            return x[0, 0, :, 0]
        return x[..., 0] if name in self.scalars else x


def _retention(g: Tensor) -> Tensor:
    """Return the logarithms of the decays that retention computes for each head."""
    return _of_heads(g, (1 - 2.0 ** (-5.0 - torch.arange(g.shape[2], dtype=torch.float))).log())


def _lightning(g: Tensor) -> Tensor:
    """Return the logarithms of the decays that lightning attention computes for each head."""
    heads = g.shape[2]
    return _of_heads(g, -(8 / heads * (1 - _LAYER / _LAYERS)) * torch.arange(heads, dtype=torch.float))


def _of_heads(g: Tensor, values: Tensor) -> Tensor:
    return values.to(g.dtype)[:, None].expand_as(g)


_G = frozenset({"g"})
_START = frozenset({"initial_state"})
_GLA = GatedLinearAttention(scale=_SCALE)
_DELTA, _DELTA_CHUNKED = GatedDeltaRule(scale=_SCALE), GatedDeltaRule(scale=_SCALE, chunk_size=64)
_TWO, _TWO_CHUNKED = GeneralizedDeltaRule(scale=_SCALE), GeneralizedDeltaRule(scale=_SCALE, chunk_size=16)
_IPLR_CHUNKED = GeneralizedDeltaRule(scale=_SCALE, chunk_size=64)
_COMBA, _COMBA_CHUNKED = Comba(scale=_SCALE), Comba(scale=_SCALE, chunk_size=64)
_CHUNKED: Mapping[str, Any] = {"packed": True, "log_window": 64}
_STEPS: Mapping[str, Any] = {"packed": True, "gradient_log_window": 128, "block": 16}
_NO_DECAY: Mapping[str, Any] = {"packed": True, "without": _G}
_NO_DECAY_STEPS: Mapping[str, Any] = {**_NO_DECAY, "block": 16}
_KEYED: Mapping[str, Any] = {"sizes": {"g": 8}, "odd": {"state": 5, "g": 5, "channel": 3}}
_RETENTION: Mapping[str, Any] = {"given": {"g": _retention}}
_LIGHTNING: Mapping[str, Any] = {"given": {"g": _lightning}}
_FEATURES: Mapping[str, Any] = {"block": 16, "odd": {"feature": 11}}
_LAYERED: Mapping[str, Any] = {"layer_idx": _LAYER, "num_layers": _LAYERS}

SIGNATURES = (
    Signature("ops.simple_gla:chunk_simple_gla", _GLA, scalars=_G, subject=_CHUNKED),
    Signature("ops.simple_gla:fused_chunk_simple_gla", _GLA, scalars=_G, subject=_CHUNKED),
    Signature("ops.simple_gla:fused_recurrent_simple_gla", _GLA, scalars=_G, subject=_STEPS),
    Signature(
        "ops.simple_gla:parallel_simple_gla",
        _GLA,
        scalars=_G,
        state=False,
        subject={"packed": True, "log_window": 128, "without": _START, "block": 128},
    ),
    Signature(
        "ops.simple_gla:chunk_simple_gla",
        _GLA,
        renamed={"g": "g_gamma"},
        heads=_G,
        subject={**_CHUNKED, "constant": _G},
    ),
    Signature("ops.gla:chunk_gla", _GLA, subject={**_CHUNKED, **_KEYED}),
    Signature("ops.gla:fused_recurrent_gla", _GLA, renamed={"g": "gk"}, subject={**_STEPS, **_KEYED}),
    Signature("ops.retention:chunk_retention", _GLA, subject={**_CHUNKED, **_RETENTION}),
    Signature("ops.retention:fused_chunk_retention", _GLA, subject={**_CHUNKED, **_RETENTION}),
    Signature("ops.retention:fused_recurrent_retention", _GLA, subject={**_STEPS, **_RETENTION}),
    Signature(
        "ops.retention:parallel_retention",
        _GLA,
        state=False,
        subject={"log_window": 128, "without": _START, "block": 128, **_RETENTION},
    ),
    Signature("ops.linear_attn:chunk_linear_attn", _GLA, options={"normalize": False}, subject=_NO_DECAY),
    Signature(
        "ops.linear_attn:fused_chunk_linear_attn", _GLA, options={"normalize": False}, subject=_NO_DECAY
    ),
    Signature(
        "ops.linear_attn:fused_recurrent_linear_attn",
        _GLA,
        options={"normalize": False},
        subject=_NO_DECAY_STEPS,
    ),
    Signature(
        "ops.lightning_attn:chunk_lightning_attn", _GLA, options=_LAYERED, subject={**_CHUNKED, **_LIGHTNING}
    ),
    Signature(
        "ops.lightning_attn:fused_recurrent_lightning_attn",
        _GLA,
        options=_LAYERED,
        subject={**_STEPS, **_LIGHTNING},
    ),
    Signature("ops.rwkv6:chunk_rwkv6", Rwkv6(scale=_SCALE), renamed={"q": "r"}, subject=_CHUNKED),
    Signature("ops.rwkv6:fused_recurrent_rwkv6", Rwkv6(scale=_SCALE), renamed={"q": "r"}, subject=_STEPS),
    Signature(
        "ops.delta_rule:chunk_delta_rule",
        _DELTA_CHUNKED,
        subject={**_NO_DECAY, "dtype": torch.bfloat16, "sizes": {"batch": 1}},
    ),
    Signature("ops.delta_rule:fused_recurrent_delta_rule", _DELTA, subject=_NO_DECAY_STEPS),
    Signature(
        "ops.gated_delta_rule:chunk_gated_delta_rule",
        _DELTA_CHUNKED,
        scalars=_G,
        subject={**_CHUNKED, "sizes": {"batch": 1}},
    ),
    Signature(
        "ops.gated_delta_rule:fused_recurrent_gated_delta_rule",
        _DELTA,
        scalars=_G,
        subject={**_STEPS, "no_gradient": True},
    ),
    Signature(
        "ops.kda:chunk_kda", _DELTA_CHUNKED, subject={**_CHUNKED, **_KEYED, "sizes": {"g": 8, "batch": 1}}
    ),
    Signature("ops.kda:fused_recurrent_kda", _DELTA, subject={**_STEPS, **_KEYED, "no_gradient": True}),
    Signature(
        "ops.comba:chunk_comba",
        _COMBA_CHUNKED,
        scalars=_G,
        subject={**_CHUNKED, "sizes": {"batch": 1}},
    ),
    Signature("ops.comba:fused_recurrent_comba", _COMBA, scalars=_G, subject={**_STEPS, "no_gradient": True}),
    Signature(
        "ops.generalized_delta_rule:chunk_dplr_delta_rule",
        _TWO_CHUNKED,
        renamed={"g": "gk"},
        options={"chunk_size": 16},
        subject={**_CHUNKED, **_KEYED, "log_window": 16, "block": 16},
    ),
    Signature(
        "ops.generalized_delta_rule:fused_recurrent_dplr_delta_rule",
        _TWO,
        renamed={"g": "gk"},
        subject={**_STEPS, **_KEYED, "no_gradient": True},
    ),
    Signature(
        "ops.generalized_delta_rule:chunk_iplr_delta_rule",
        _IPLR_CHUNKED,
        subject={**_NO_DECAY, "no_gradient": True},
    ),
    Signature("ops.generalized_delta_rule:fused_recurrent_iplr_delta_rule", _TWO, subject=_NO_DECAY_STEPS),
    Signature(
        "ops.rwkv7:chunk_rwkv7",
        _TWO_CHUNKED,
        renamed={"q": "r", "g": "w"},
        options={"chunk_size": 16},
        subject={**_CHUNKED, **_KEYED, "log_window": 16, "block": 16},
    ),
    Signature(
        "ops.rwkv7:fused_recurrent_rwkv7",
        _TWO,
        renamed={"q": "r", "g": "w"},
        subject={**_STEPS, **_KEYED, "no_gradient": True},
    ),
    Signature(
        "ops.hgrn:chunk_hgrn", LinearRecurrence(log_decays=True), scaled=False, subject={"log_window": 64}
    ),
    Signature(
        "ops.hgrn:fused_recurrent_hgrn",
        LinearRecurrence(log_decays=True),
        scaled=False,
        subject={"packed": True, "block": 16},
    ),
    Signature(
        "modules.causal_conv1d:causal_conv1d",
        CausalConv1d(silu=True),
        options={"activation": "silu"},
        state=False,
        scaled=False,
        subject={"packed": True, "without": _START, "odd": {"channel": 3, "width": 3}},
    ),
    Signature(
        "modules.norm.fused_norm_gate:rms_norm_gated",
        GatedNorm(activation="sigmoid"),
        renamed={"z": "g"},
        options={"activation": "sigmoid", "eps": 1e-5},
        state=False,
        scaled=False,
        subject=_FEATURES,
    ),
    Signature(
        "modules.norm.fused_norm_gate:layer_norm_gated",
        GatedNorm(centred=True),
        renamed={"z": "g"},
        options={"activation": "swish", "eps": 1e-5},
        state=False,
        scaled=False,
        subject=_FEATURES,
    ),
    Signature(
        "modules.norm.layernorm_gated:rmsnorm_fn",
        GatedNorm(groups=2, norm_before_gate=False),
        options={"group_size": 8, "norm_before_gate": False, "eps": 1e-5},
        state=False,
        scaled=False,
        subject={"block": 16, "odd": {}, "sizes": {"feature": 16}},
    ),
)


def subjects(folder: Path | None = None) -> tuple[Subject, ...]:
    """Return a subject for each signature; fla is in ``folder``, which must be on the path of Python."""
    return tuple(_subject(signature, folder) for signature in SIGNATURES)


def _subject(signature: Signature, folder: Path | None) -> Subject:
    gamma = ", g_gamma=" if "g_gamma" in signature.renamed.values() else ""
    return Subject(
        name=f"fla.{signature.function}{gamma}",
        package="fla-core",
        load=signature.load,
        kernel=signature.kernel,
        folder=folder,
        **{"block": 64, **signature.subject},
    )
