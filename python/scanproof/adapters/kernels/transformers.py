"""Scans of Hugging Face transformers, as its models call them on a CPU (transformers 5.23)."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from scanproof.adapters.kernels.subject import Implementation, Subject
from scanproof.errors import MissingDependency
from scanproof.refinement.kernels.attention import GatedLinearAttention, MLstm
from scanproof.refinement.kernels.cases import SIZES
from scanproof.refinement.kernels.delta import GatedDeltaRule
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.kernels.recurrent_unit import RgLru
from scanproof.refinement.kernels.ssd import SsdScan

CHUNK = 8
_KEYS = SIZES["state"]
_DELTA_KEYS = 4
"""Their root is exact, so that a division by it and a product with its reciprocal are one function."""


def mamba2_chunk_scan(family: str) -> Implementation:
    """Return a family's copy of Mamba-2's scan, by chunks of 8."""
    scan = _modeling(family).mamba2_chunk_scan

    def implementation(D: Tensor, **inputs: Any) -> Any:
        options = {"dt_softplus": True, "dt_limit": (0.1, 2.0), "return_final_states": True}
        inputs["hidden_states"], inputs["initial_states"] = inputs.pop("x"), inputs.pop("initial_state", None)
        return scan(**inputs, D=D[:, 0], chunk_size=CHUNK, **options)

    return implementation


def mamba2_state_update(family: str) -> Implementation:
    """Return a family's copy of Mamba-2's step, applied to token after token."""
    update = _modeling(family).mamba2_selective_state_update

    def implementation(
        x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, dt_bias: Tensor,
        initial_state: Tensor | None = None,
    ) -> Any:  # fmt: skip
        shape = (x.shape[0], *x.shape[2:], B.shape[-1])
        state = x.new_zeros(shape) if initial_state is None else initial_state.clone()
        wide = {"A": A[:, None, None].expand(state.shape[1:]), "D": D.expand(state.shape[1:3])}
        wide["dt_bias"] = dt_bias[:, None].expand(state.shape[1:3])
        outputs = [
            update(
                state, x[:, t], dt[:, t, :, None].expand(state.shape[:3]), B=B[:, t], C=C[:, t],
                dt_softplus=True, **wide,
            )
            for t in range(x.shape[1])
        ]  # fmt: skip
        return torch.stack(outputs, 1), state

    return implementation


def delta_rule(family: str, name: str, **options: Any) -> Implementation:
    """Return a family's copy of one form of the gated delta rule, or of Kimi delta attention."""
    form = getattr(_modeling(family), name)
    options |= {"output_final_state": True, "use_qk_l2norm_in_kernel": True}

    def implementation(g: Tensor, initial_state: Tensor | None = None, **inputs: Tensor) -> Any:
        q, k, v = (inputs.pop(short) for short in "qkv")
        decay = g if "kimi" in name else g[..., 0]
        return form(q, k, v, decay, **inputs, initial_state=initial_state, **options)

    return implementation


def lightning_attention() -> Implementation:
    """Return the attention of MiniMax between its projections, with a decay for each head.

    Identities replace the projections, the norm and the gate of the module.
    """
    from transformers import MiniMaxConfig

    lightning = _modeling("minimax").MiniMaxLightningAttention

    def implementation(q: Tensor, k: Tensor, v: Tensor, g: Tensor) -> Any:
        _, _, heads, width = q.shape
        config = MiniMaxConfig(
            hidden_size=3 * heads * width, num_attention_heads=heads, head_dim=width, block_size=CHUNK,
            num_hidden_layers=2, layer_types=["linear_attention", "full_attention"],
        )  # fmt: skip
        module = lightning(config, layer_idx=0)
        same = torch.nn.Identity()
        for part in ("qkv_proj", "out_proj", "norm", "act_fn"):
            setattr(module, part, same)
        module.output_gate = _Open()
        slopes = -g[0, 0, :, :, None]
        query, key, diagonal = module.decay_factors(slopes)
        module.slope_rate, module.query_decay, module.key_decay = slopes, query, key
        module.diagonal_decay = diagonal
        x = torch.cat([q, k, v], dim=-1).flatten(2)
        y, state = module(x, position_embeddings=None, attention_mask=None)
        return y.unflatten(-1, (heads, width)), state

    return implementation


class _Open(torch.nn.Module):
    """A gate's projection whose sigmoid is 1."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.full((), torch.inf, dtype=x.dtype)


def xlstm(name: str, **options: Any) -> Implementation:
    """Return one of the two forms of xLSTM's matrix memory."""
    form = getattr(_modeling("xlstm"), name)

    def implementation(**inputs: Tensor) -> Any:
        q, k, v, i, f = (
            inputs[name].transpose(1, 2) for name in ("q", "k", "v", "input_gate", "forget_gate")
        )
        return form(query=q, key=k, value=v, igate=i, fgate=f, eps=1e-6, **options).transpose(1, 2)

    return implementation


def rg_lru() -> Implementation:
    """Return RecurrentGemma's unit, whose first token resets."""
    kind = _modeling("recurrent_gemma").RecurrentGemmaRglru

    def implementation(x: Tensor, reset: Tensor | None = None, **weights: Tensor) -> Any:
        _, time, heads, width = x.shape
        config = SimpleNamespace(num_attention_heads=heads, lru_width=heads * width)
        unit = kind(config)
        given = {
            "recurrent_param": weights["decay"].flatten(),
            "input_gate_weight": weights["input_weight"].mT,
            "input_gate_bias": weights["input_bias"],
            "recurrent_gate_weight": weights["recurrence_weight"].mT,
            "recurrent_gate_bias": weights["recurrence_bias"],
        }
        first = torch.arange(time)[None] == 0 if reset is None else reset.bool()
        positions = (~first).long()
        y = torch.func.functional_call(unit, given, (x.flatten(2), positions))
        return y.view_as(x), unit.recurrent_states.unflatten(1, (heads, width))

    return implementation


MAMBA2 = ("mamba2", "bamba", "falcon_h1", "granitemoehybrid", "nemotron_h", "zamba2")
GATED_DELTA = ("qwen3_next", "qwen3_5", "qwen3_5_moe", "qwen4_exp", "olmo_hybrid")
KIMI_DELTA = ("kimi_linear", "glm5_next", "bailing_hybrid")
_NO_LIMITS = "The step has no limits of dt: it continues a prefill only where they do not bind."
_EPS = "eps is added to the scaled denominator, so it counts exp(m) times: so it is in the kernel."
_RESET = "The input of a first token is not multiplied by sqrt(1 - a²): the kernel's reset."


def subjects() -> tuple[Subject, ...]:
    """Return the subjects of the installed transformers."""
    return (
        *(subject for family in MAMBA2 for subject in _mamba2(family)),
        *(s for family in GATED_DELTA for s in _delta(family, "torch_{}_gated_delta_rule", 1)),
        *(s for family in KIMI_DELTA for s in _delta(family, "{}_kimi_delta_attention", _DELTA_KEYS)),
        _subject(
            "minimax",
            "MiniMaxLightningAttention",
            lightning_attention,
            GatedLinearAttention(),
            log_window=CHUNK,
            without=frozenset({"initial_state"}),
            constant=frozenset({"g"}),
            sizes={"state": 3},
        ),
        _subject(
            "xlstm",
            "mlstm_recurrent_sequence_native",
            partial(xlstm, "mlstm_recurrent_sequence_native"),
            MLstm(scale=_KEYS**-0.5, eps=1e-6),
            log_window=1,
            departs=_EPS,
        ),
        _subject(
            "xlstm",
            "mlstm_chunkwise_native_autograd",
            partial(xlstm, "mlstm_chunkwise_native_autograd", chunk_size=CHUNK),
            MLstm(scale=_KEYS**-0.5, eps=1e-6),
            log_window=CHUNK,
            sizes={"time": 40},
            multiple=CHUNK,
            departs=_EPS,
        ),
        _subject(
            "recurrent_gemma",
            "RecurrentGemmaRglru",
            rg_lru,
            RgLru(),
            without=frozenset({"initial_state"}),
            departs=_RESET,
        ),
    )


def _mamba2(family: str) -> tuple[Subject, ...]:
    without = frozenset({"z", "seq_idx"})
    return (
        _subject(
            family,
            "mamba2_chunk_scan",
            partial(mamba2_chunk_scan, family),
            SsdScan(dt_softplus=True, dt_min=0.1, dt_max=2.0),
            log_window=CHUNK,
            without=without,
        ),
        _subject(
            family,
            "mamba2_selective_state_update",
            partial(mamba2_state_update, family),
            SsdScan(dt_softplus=True),
            without=without,
            no_gradient=True,
            departs=_NO_LIMITS,
        ),
    )


def _delta(family: str, name: str, decays: int) -> tuple[Subject, ...]:
    by_tokens, by_chunks = name.format("recurrent"), name.format("chunk")
    kernel = GatedDeltaRule(scale=_DELTA_KEYS**-0.5, norm_eps=1e-6)
    sizes = {"g": decays, "state": _DELTA_KEYS}
    return (
        _subject(family, by_tokens, partial(delta_rule, family, by_tokens), kernel, sizes=sizes),
        _subject(
            family,
            by_chunks,
            partial(delta_rule, family, by_chunks, chunk_size=CHUNK),
            replace(kernel, chunk_size=CHUNK),
            sizes=sizes,
        ),
    )


def _subject(
    family: str, name: str, load: Callable[[], Implementation], kernel: Kernel, **more: Any
) -> Subject:
    return Subject(f"transformers.models.{family}:{name}", "transformers", load, kernel, **more)


def _modeling(family: str) -> Any:
    try:
        return import_module(f"transformers.models.{family}.modeling_{family}")
    except ImportError as missing:
        raise MissingDependency(f"this transformers has no {family}: {missing}.") from missing
