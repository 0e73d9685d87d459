"""The subject of the causality checks of an audit: a model, its embeddings, or the tokens of a kernel."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from scanproof.adapters.embeddings import from_ids
from scanproof.errors import InvalidArgument
from scanproof.foundation.packing import Inputs
from scanproof.foundation.selection import Selector
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.kernels.tokens import token_function
from scanproof.refinement.problem import ScanProblem
from scanproof.refinement.scan_fn import SelectiveScanFn

NAMED_OUTPUTS = ("logits", "last_hidden_state")
"""Names of outputs of Hugging Face models; the first name that is present is checked."""


@dataclass(frozen=True)
class LookedAt:
    """The arguments of the checks.

    Attributes:
        fn: the function that is compared on changed inputs.
        x: the input of ``fn``.
        differentiable: function and input of the certificate, or the reason why there is none.
        output: which of several outputs is checked.
        vocab_size: token ids are drawn below this number; None: from the ids in ``x``.
    """

    fn: Callable[..., Any]
    x: Inputs
    differentiable: tuple[Callable[..., Any], Inputs] | str
    output: Selector | None
    vocab_size: int | None


def looked_at(
    fn: Callable[..., Any],
    x: Inputs,
    spec: object,
    output: Selector | None,
    kwargs: Mapping[str, Any] | None,
    vocab_size: int | None,
) -> LookedAt:
    """Find token ids, their embeddings, the output of a language model, and the tokens of a kernel."""
    if isinstance(spec, Kernel | SelectiveScanFn) and isinstance(x, Mapping):
        axes = spec.inputs if isinstance(spec, Kernel) else ScanProblem.input_axes
        tokens = token_function(fn, axes, x)
        return LookedAt(*tokens, tokens, output, vocab_size)
    if output is None:
        output = _named_output(fn, x, kwargs)
    if not isinstance(x, Tensor) or x.is_floating_point():
        return LookedAt(fn, x, (fn, x), output, vocab_size)
    if not isinstance(fn, nn.Module):
        reason = "x holds token ids, but fn is no module; use scanproof.adapters.embeddings.from_ids"
        return LookedAt(fn, x, reason, output, vocab_size)
    embedding = _only_embedding(fn)
    try:
        embedded, width = from_ids(fn, x, embedding=embedding), _vocabulary(fn, embedding)
    except InvalidArgument as error:
        reason = f"x holds token ids, but the embedding of fn was not found: {error}"
        return LookedAt(fn, x, reason, output, vocab_size)
    return LookedAt(fn, x, embedded, output, vocab_size if vocab_size is not None else width)


def _named_output(fn: Callable[..., Any], x: Inputs, kwargs: Mapping[str, Any] | None) -> str | None:
    """Return the name of the output of a language model; None if ``fn`` returns no such output."""
    if not isinstance(fn, nn.Module) or not isinstance(x, Tensor):
        return None
    with torch.no_grad():
        y = fn(x, **(kwargs or {}))
    return next((name for name in NAMED_OUTPUTS if isinstance(getattr(y, name, None), Tensor)), None)


def _only_embedding(model: nn.Module) -> str | None:
    """Return the name of the only embedding of a module that does not take ``inputs_embeds``."""
    if hasattr(model, "get_input_embeddings"):
        return None
    names = [name for name, part in model.named_modules() if isinstance(part, nn.Embedding)]
    return names[0] if len(names) == 1 else None


def _vocabulary(model: nn.Module, embedding: str | None) -> int | None:
    owner = cast(Any, model)
    part = owner.get_input_embeddings() if embedding is None else model.get_submodule(embedding)
    return cast(int | None, getattr(part, "num_embeddings", None))
