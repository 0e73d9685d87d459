"""Models of token ids as functions of the embeddings of these ids.

Token ids have no gradients, but their embeddings do. A model with an argument ``inputs_embeds``, such as a
model of Hugging Face transformers, is called with it. In any other model, the output of the embedding that
the caller names is replaced.
"""

from inspect import Parameter, signature
from typing import Any

import torch
from torch import Tensor, nn

from scanproof.errors import InvalidArgument


class FromEmbeddings(nn.Module):
    """A model of token ids as a module from embeddings (batch, T, width) to what the model returns.

    It holds the model, so that checks see the submodules and the train mode of the model. If the output of a
    named embedding is replaced, the model is still called with ids: with as many positions of ``ids`` as
    there are embeddings, repeated for more examples.

    Args:
        model: the model.
        ids: token ids, shape (batch, T).
        embedding: name of the submodule whose output is replaced; None to call with ``inputs_embeds``.
    """

    def __init__(self, model: nn.Module, ids: Tensor, embedding: str | None) -> None:
        super().__init__()
        self.model, self.training = model, model.training
        self._ids, self._embedding = ids, embedding

    def forward(self, x: Tensor, **kwargs: Any) -> Any:
        """Run the model at embeddings; ``kwargs`` go to the model.

        Raises:
            InvalidArgument: the model does not call its embedding exactly once.
        """
        if self._embedding is None:
            return self.model(inputs_embeds=x, **kwargs)
        calls = []

        def replace(module: nn.Module, given: Any, returned: Any) -> Tensor:
            calls.append(module)
            return x

        ids = self._ids[:, : x.shape[1]].repeat(-(-x.shape[0] // len(self._ids)), 1)[: x.shape[0]]
        handle = self.model.get_submodule(self._embedding).register_forward_hook(replace)
        try:
            y = self.model(ids, **kwargs)
        finally:
            handle.remove()
        if len(calls) != 1:
            raise InvalidArgument(
                f"from_ids: the model calls {self._embedding!r} {len(calls)} times; name an embedding "
                "that it calls once."
            )
        return y


def from_ids(model: nn.Module, ids: Tensor, *, embedding: str | None = None) -> tuple[FromEmbeddings, Tensor]:
    """Return a function of embeddings, and the embeddings of ``ids``: ``fn`` and ``x`` of the checks.

    Args:
        model: a module that takes token ids; in eval mode.
        ids: token ids, integer, shape (batch, T), on the device of the model.
        embedding: name of the submodule that embeds the ids; the model calls it once. Default: the model is
            called with ``inputs_embeds``, and its ``get_input_embeddings()`` embeds the ids.

    Returns:
        The function, and x with shape (batch, T, width).

    Raises:
        InvalidArgument: ``ids`` is not a tensor of token ids, or the model has no such embedding.

    Example:
        >>> import torch
        >>> from scanproof import certify
        >>> from scanproof.adapters.embeddings import from_ids
        >>> model = torch.nn.Sequential(torch.nn.Embedding(11, 4), torch.nn.Linear(4, 11))
        >>> fn, x = from_ids(model, torch.randint(0, 11, (2, 9)), embedding="0")
        >>> certify(fn, x).verdict.name
        'CAUSAL'
    """
    if not isinstance(model, nn.Module):
        raise InvalidArgument(f"from_ids: model must be a torch.nn.Module, got {type(model).__name__}.")
    if not isinstance(ids, Tensor) or ids.dim() != 2 or ids.is_floating_point() or ids.dtype == torch.bool:
        given = f"{ids.dtype} {tuple(ids.shape)}" if isinstance(ids, Tensor) else type(ids).__name__
        raise InvalidArgument(f"from_ids: ids must be an integer tensor of shape (batch, T), got {given}.")
    if embedding is None and not _takes_embeddings(model):
        raise InvalidArgument(
            f"from_ids: {type(model).__name__} has no get_input_embeddings() or no argument inputs_embeds; "
            f"pass embedding=, one of {_embeddings_of(model)}."
        )
    owner: Any = model
    try:
        embed = owner.get_input_embeddings() if embedding is None else owner.get_submodule(embedding)
    except AttributeError:
        raise InvalidArgument(
            f"from_ids: {type(model).__name__} has no submodule {embedding!r}; pass embedding=, one of "
            f"{_embeddings_of(model)}."
        ) from None
    with torch.no_grad():
        x = embed(ids)
    return FromEmbeddings(model, ids, embedding), x


def _takes_embeddings(model: nn.Module) -> bool:
    parameters = signature(model.forward).parameters
    accepts = "inputs_embeds" in parameters or any(
        parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters.values()
    )
    return accepts and hasattr(model, "get_input_embeddings")


def _embeddings_of(model: nn.Module) -> str:
    names = [name for name, module in model.named_modules() if isinstance(module, nn.Embedding)]
    return ", ".join(map(repr, names)) or "its submodules"
