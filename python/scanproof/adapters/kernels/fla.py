"""Naive PyTorch references of flash-linear-attention, in one table of signatures (fla-core 0.6.0).

The references need no triton, but the packages that contain them do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from scanproof.adapters.bare import bare_module
from scanproof.adapters.kernels.subject import Implementation, Subject
from scanproof.refinement.kernels.attention import GatedLinearAttention, Rwkv6
from scanproof.refinement.kernels.delta import Comba, GatedDeltaRule
from scanproof.refinement.kernels.generalized_delta import GeneralizedDeltaRule
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.kernels.linear import LinearRecurrence

CHUNK = 8
KEYS = 5
_SCALE = KEYS**-0.5


@dataclass(frozen=True)
class Signature:
    """How a naive reference is called.

    Attributes:
        module: name of the module, below ``fla.ops``.
        function: name of the function.
        kernel: the kernel that it should refine.
        head_first: whether tensors are (batch, head, time, ...), and not (batch, time, head, ...).
        renamed: inputs of the kernel that have another name in the function.
        scalars: inputs with one number for each head, without the last axis of the kernel.
        options: further arguments of the function.
        state: whether it returns a state.
        state_argument: whether an argument asks for the state.
        subject: further fields of the subject.
    """

    module: str
    function: str
    kernel: Kernel
    head_first: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)
    scalars: frozenset[str] = frozenset()
    options: Mapping[str, Any] = field(default_factory=dict)
    state: bool = True
    state_argument: bool = True
    subject: Mapping[str, Any] = field(default_factory=dict)

    def load(self, folder: Path | None) -> Implementation:
        """Import the function, under the kernel's signature."""
        function = getattr(bare_module(f"fla.ops.{self.module}", folder=folder), self.function)
        options = (
            {"output_final_state": True, **self.options}
            if self.state and self.state_argument
            else self.options
        )

        def implementation(**inputs: Tensor) -> Any:
            given = {}
            for name, tensor in inputs.items():
                x = tensor[..., 0] if name in self.scalars else tensor
                turned = self.head_first and "time" in self.kernel.inputs[name]
                given[self.renamed.get(name, name)] = x.transpose(1, 2) if turned else x
            y, *rest = (
                returned if isinstance(returned := function(**given, **options), tuple) else (returned,)
            )
            y = y.transpose(1, 2) if self.head_first else y
            return (y, rest[0]) if self.state else y

        return implementation


_HEAD = frozenset({"g"})
_GLA = GatedLinearAttention(scale=_SCALE)
_NO_STATE = {"without": frozenset({"initial_state"})}
_NO_DECAY = {"without": frozenset({"g"})}
_CHUNKED = {"log_window": CHUNK}
_WHOLE = {"multiple": CHUNK, "sizes": {"time": 40, "g": KEYS}}
_DELTA = GatedDeltaRule(scale=_SCALE)
_DELTA_CHUNKED = GatedDeltaRule(scale=_SCALE, chunk_size=CHUNK)
_TWO_VECTORS = {"a": "alpha", "b": "beta"}
_COMBA_DEPARTS = (
    "p reads the decayed state. In naive_chunk_comba, and in the source of the Triton kernels, it reads the "
    "state before the decay."
)

SIGNATURES = (
    Signature("gla.naive", "naive_recurrent_gla", _GLA, renamed={"g": "gk"}, subject={"sizes": {"g": KEYS}}),
    Signature("simple_gla.naive", "naive_recurrent_simple_gla", _GLA, scalars=_HEAD),
    Signature(
        "simple_gla.naive",
        "naive_chunk_simple_gla",
        _GLA,
        scalars=_HEAD,
        options={"chunk_size": CHUNK},
        subject=_CHUNKED,
    ),
    Signature(
        "simple_gla.naive",
        "naive_parallel_simple_gla",
        _GLA,
        scalars=_HEAD,
        state=False,
        subject={"log_window": 37, **_NO_STATE},
    ),
    Signature("rwkv6.recurrent_naive", "naive_recurrent_rwkv6", Rwkv6(scale=_SCALE), head_first=True),
    Signature("gated_delta_rule.naive", "naive_recurrent_gated_delta_rule", _DELTA, scalars=_HEAD),
    Signature(
        "gated_delta_rule.naive",
        "naive_chunk_gated_delta_rule",
        _DELTA_CHUNKED,
        scalars=_HEAD,
        options={"chunk_size": CHUNK},
    ),
    Signature("kda.naive", "naive_recurrent_kda", _DELTA, subject={"sizes": {"g": KEYS}}),
    Signature("delta_rule.naive", "delta_rule_recurrence", _DELTA, head_first=True, subject=_NO_DECAY),
    Signature(
        "delta_rule.naive",
        "delta_rule_chunkwise",
        _DELTA_CHUNKED,
        head_first=True,
        options={"chunk_size": CHUNK},
        state_argument=False,
        subject={
            "multiple": CHUNK,
            "sizes": {"time": 40},
            "without": _NO_DECAY["without"] | {"initial_state"},
        },
    ),
    Signature(
        "generalized_delta_rule.dplr.naive",
        "dplr_recurrence",
        GeneralizedDeltaRule(scale=_SCALE),
        head_first=True,
        renamed={**_TWO_VECTORS, "g": "gk"},
        subject={"sizes": {"g": KEYS}},
    ),
    Signature(
        "generalized_delta_rule.dplr.naive",
        "dplr_chunkwise",
        GeneralizedDeltaRule(scale=_SCALE, chunk_size=CHUNK),
        head_first=True,
        renamed={**_TWO_VECTORS, "g": "gk"},
        options={"chunk_size": CHUNK},
        subject=_WHOLE,
    ),
    Signature(
        "generalized_delta_rule.iplr.naive",
        "iplr_recurrence",
        GeneralizedDeltaRule(scale=_SCALE),
        head_first=True,
        renamed=_TWO_VECTORS,
        subject=_NO_DECAY,
    ),
    Signature(
        "generalized_delta_rule.iplr.naive",
        "iplr_chunkwise",
        GeneralizedDeltaRule(scale=_SCALE, chunk_size=CHUNK),
        head_first=True,
        renamed=_TWO_VECTORS,
        options={"chunk_size": CHUNK},
        subject={"multiple": CHUNK, "sizes": {"time": 40}, **_NO_DECAY},
    ),
    Signature(
        "comba.naive",
        "naive_recurrent_comba",
        Comba(scale=_SCALE),
        scalars=_HEAD,
        subject={"departs": _COMBA_DEPARTS},
    ),
    Signature(
        "comba.naive",
        "naive_chunk_comba",
        Comba(scale=_SCALE, chunk_size=CHUNK),
        scalars=_HEAD,
        options={"chunk_size": CHUNK},
    ),
    Signature("linear_attn.naive", "naive_recurrent_linear_attn", _GLA, subject=_NO_DECAY),
    Signature("hgrn.naive", "naive_recurrent_hgrn", LinearRecurrence(log_decays=True)),
    Signature(
        "kda.naive",
        "naive_chunk_kda",
        _DELTA_CHUNKED,
        options={"chunk_size": CHUNK},
        subject=_WHOLE,
    ),
)


def subjects(folder: Path | None = None) -> tuple[Subject, ...]:
    """Return a subject for each signature; fla is in ``folder`` or, if that is None, installed."""
    return tuple(
        Subject(
            name=f"fla.ops.{signature.module}:{signature.function}",
            package="fla-core",
            load=partial(signature.load, folder),
            kernel=signature.kernel,
            folder=folder,
            **signature.subject,
        )
        for signature in SIGNATURES
    )
