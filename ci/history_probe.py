"""Verdicts on Mamba-2 of whichever transformers is imported, as one line of JSON, for ``ci/history.py``."""

import json
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from scanproof import (
    SsdScan,
    certify,
    check_perturbation,
    check_prefix,
    check_refinement,
    check_streaming,
)
from scanproof.refinement.kernels.cases import random_inputs
from scanproof.streaming.model import Unsupported

CHUNK, LENGTH = 8, 37
HEADS, WIDTH, STATES, TAPS = 4, 4, 5, 4


def config(groups: int, layers: int) -> Any:
    """Return a small Mamba-2 whose chunks hold 8 tokens."""
    from transformers import Mamba2Config

    return Mamba2Config(
        hidden_size=8, num_heads=HEADS, head_dim=WIDTH, expand=2, state_size=STATES, n_groups=groups,
        chunk_size=CHUNK, conv_kernel=TAPS, num_hidden_layers=layers, vocab_size=32,
    )  # fmt: skip


def seeded(make: Callable[[], torch.nn.Module]) -> Any:
    """Make a module with random weights, in eval mode."""
    torch.manual_seed(0)
    made = make().eval()
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "norm" not in name:
                parameter.normal_(std=0.5)
    return made


def model(groups: int = 1) -> Any:
    """Return a model of one layer."""
    from transformers import Mamba2Model

    return seeded(lambda: Mamba2Model(config(groups, layers=1)))


class Streaming:
    """The model fed by embeddings, with its own cache."""

    def __init__(self) -> None:
        self._model = model()

    def __call__(self, x: Tensor) -> Tensor:
        y: Tensor = self._model(inputs_embeds=x, use_cache=False).last_hidden_state
        return y

    def initial_state(self, x: Tensor) -> Any:
        """Return the state before the first token: no cache, and position 0."""
        return None, 0

    def prefill(self, x: Tensor) -> tuple[Tensor, Any]:
        """Run several tokens from no cache."""
        found = self._model(inputs_embeds=x, use_cache=True)
        return found.last_hidden_state, (found.cache_params, x.shape[1])

    def extend(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Run tokens from a cache."""
        cache, position = state
        if cache is None:
            return self.prefill(x)
        positions = torch.arange(position, position + x.shape[1])
        found = self._model(inputs_embeds=x, use_cache=True, cache_params=cache, cache_position=positions)
        return found.last_hidden_state, (cache, position + x.shape[1])

    step = extend

    def padded(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Any]:
        """Run rows padded on the left."""
        try:
            found = self._model(inputs_embeds=x, attention_mask=mask.long(), use_cache=False)
        except TypeError as refused:
            raise Unsupported("the model takes no attention_mask") from refused
        return found.last_hidden_state, None


def zamba2() -> Callable[[Tensor], Tensor]:
    """Return a Mamba-2 mixer of Zamba2, which has its own copy of the scan."""
    from transformers import Zamba2Config
    from transformers.models.zamba2.modeling_zamba2 import Zamba2MambaMixer

    small = Zamba2Config(
        hidden_size=8, mamba_d_state=STATES, mamba_d_conv=TAPS, mamba_expand=2, mamba_ngroups=1,
        n_mamba_heads=HEADS, mamba_headdim=WIDTH, chunk_size=CHUNK, num_hidden_layers=2,
        num_attention_heads=2, vocab_size=32, intermediate_size=16, layers_block_type=["mamba", "mamba"],
    )  # fmt: skip
    return seeded(lambda: Zamba2MambaMixer(small, layer_idx=0))


def nemotron_h() -> Callable[[Tensor], Tensor]:
    """Return a Mamba-2 mixer of Nemotron-H, which has Zamba2's copy of the scan."""
    from transformers import NemotronHConfig
    from transformers.models.nemotron_h.modeling_nemotron_h import NemotronHMamba2Mixer

    small = NemotronHConfig(
        hidden_size=8, ssm_state_size=STATES, conv_kernel=TAPS, n_groups=1, mamba_num_heads=HEADS,
        mamba_head_dim=WIDTH, chunk_size=CHUNK, num_attention_heads=2, vocab_size=32, intermediate_size=16,
        layers_block_type=["mamba", "mamba"], use_mamba_kernels=False,
    )  # fmt: skip
    return seeded(lambda: NemotronHMamba2Mixer(small, layer_idx=0))


def beam_search() -> str:
    """Compare the scores of a beam search with a cache and without one."""
    from transformers import Mamba2ForCausalLM

    whole = seeded(lambda: Mamba2ForCausalLM(config(groups=1, layers=1)))
    ids = torch.randint(1, 32, (2, 6), generator=torch.Generator().manual_seed(0))
    options = {
        "num_beams": 4, "max_new_tokens": 8, "do_sample": False, "eos_token_id": None, "pad_token_id": 0,
        "return_dict_in_generate": True, "output_scores": True,
    }  # fmt: skip
    cached, alone = (whole.generate(ids, use_cache=use, **options).sequences_scores for use in (True, False))
    size = float((cached - alone).abs().max() / alone.abs().max())
    return "same scores" if size < 1e-5 else f"scores {size:.0e} apart"


class Pass(torch.nn.Module):
    """Nothing, in place of a part of the mixer."""

    def forward(self, x: Tensor, *others: Any) -> Tensor:
        return x


def kernel(groups: int) -> Callable[..., Tensor]:
    """Return the scan in the mixer: projections, activation, norm are identities, the convolution one tap."""
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    mixer = Mamba2Mixer(config(groups, layers=1), layer_idx=0).eval()
    mixer.in_proj = mixer.out_proj = mixer.norm = mixer.act = Pass()
    mixer.activation = None  # which 5.15 and later read in place of ``act``
    with torch.no_grad():
        mixer.conv1d.weight.zero_()[:, :, -1] = 1
        mixer.conv1d.bias.zero_()

    def implementation(
        x: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, dt_bias: Tensor
    ) -> Tensor:
        with torch.no_grad():
            mixer.A_log.copy_((-A).log())
            mixer.D.copy_(D[:, 0])
            mixer.dt_bias.copy_(dt_bias)
        parts = [torch.zeros_like(x).flatten(2), x.flatten(2), B.flatten(2), C.flatten(2), dt]
        y: Tensor = mixer(torch.cat(parts, dim=-1))
        return y.view_as(x)

    return implementation


def refinement(groups: int, time: int, dt: float) -> str:
    """Compare the scan in the mixer with the recurrence, at step sizes of about softplus(dt)."""
    sizes = {"head": HEADS, "channel": WIDTH, "state": STATES, "group": groups, "time": time}
    without = frozenset({"z", "seq_idx", "initial_state"})
    inputs = random_inputs(SsdScan(), seed=0, without=without, **sizes)
    inputs["dt_bias"] = inputs["dt_bias"] * 0.1 + dt
    report = check_refinement(
        kernel(groups), SsdScan(dt_softplus=True), inputs, log_window=CHUNK, shrink=False
    )
    assert report.worst is not None
    return f"{report.verdict.name} ({report.worst.ratio:.2g} x bound)"


def main() -> None:
    """Print the verdicts."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float32)
    x = torch.randn(3, LENGTH, 8, generator=torch.Generator().manual_seed(0))
    streaming = Streaming()
    found: dict[str, str] = {}

    def row(name: str, verdict: Callable[[], str]) -> None:
        try:
            found[name] = verdict()
        except Exception as error:  # what an old release raises in this torch
            found[name] = type(error).__name__

    for length in (CHUNK, LENGTH):
        row(f"certificate, T = {length}", lambda n=length: certify(streaming, x[:, :n], cases=1).verdict.name)
        row(
            f"perturbation, T = {length}",
            lambda n=length: check_perturbation(streaming, x[:, :n], cases=1).verdict.name,
        )
        row(
            f"prefix of 2 or more, T = {length}",
            lambda n=length: check_prefix(streaming, x[:, :n], cuts=range(2, n), cases=1).verdict.name,
        )
    row("one token alone", lambda: "runs" if streaming(x[:, :1]).isfinite().all() else "not finite")
    row(f"refinement, 1 group, T = {CHUNK}", lambda: refinement(1, CHUNK, 0.0))
    row(f"refinement, 1 group, T = {CHUNK}, small dt", lambda: refinement(1, CHUNK, -9.0))
    row(f"refinement, 1 group, T = {LENGTH}", lambda: refinement(1, LENGTH, 0.0))
    row(f"refinement, 2 groups, T = {CHUNK}", lambda: refinement(2, CHUNK, 0.0))
    for family, copied in (("Zamba2", zamba2), ("Nemotron-H", nemotron_h)):
        for length in (CHUNK, LENGTH):
            row(
                f"{family}, certificate, T = {length}",
                lambda n=length, make=copied: certify(make(), x[:, :n], cases=1).verdict.name,
            )
    row("beam search, with and without a cache", beam_search)
    for rows in (1, 3):
        report = check_streaming(streaming, x[:rows, :CHUNK], cuts=(2, 5))
        for streamed in report.ways:
            if streamed.verdict.name != "NOT_APPLICABLE":
                found[f"{streamed.check}, batch of {rows}"] = streamed.verdict.name
    print(json.dumps(found))


if __name__ == "__main__":
    main()
