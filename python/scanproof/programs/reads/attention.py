"""Attention as one operation."""

from typing import Any

import numpy as np
import torch

from scanproof.programs.compact import Array, ranked
from scanproof.programs.facts import LOW, NINF, ZERO
from scanproof.programs.labels import Parts, Reader, State
from scanproof.programs.program import Node, Value
from scanproof.programs.reads.products import live_terms
from scanproof.programs.table import row


def arguments(node: Node) -> dict[str, Any]:
    """Return the arguments of a call by their names."""
    names = [argument.name for argument in node.op._schema.arguments]
    return {**dict(zip(names, node.args, strict=False)), **node.kwargs}


@row(
    "_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_efficient_attention", "_scaled_dot_product_cudnn_attention",
    
    
)  # fmt: skip
def attention(reader: Reader, node: Node) -> list[State]:
    """Read a query, and the keys and values that no mask hides from this query."""
    given = arguments(node)
    query, key, value = given["query"], given["key"], given["value"]
    mask = given.get("attn_mask", given.get("attn_bias"))
    rows, columns = query.shape[-2], key.shape[-2]
    rank = len(query.shape)
    causal = given.get("is_causal", False)
    if causal and mask is None:
        hidden = None
    else:
        hidden, everything = hidden_keys(reader, mask, rows, columns, causal)
        hidden = hidden & ~everything

    def visible(parts: Parts | None) -> Parts | None:
        return _earlier(reader, rows, parts) if hidden is None else _visible(reader, hidden, parts)

    scores = _over_channels(reader, query, rank)
    scores = reader.joined(scores, visible(_heads(_over_channels(reader, key, rank), query)))
    weights = None if mask is None else reader.parts(mask)
    if weights is not None and hidden is not None:
        weights = reader.without(tuple(ranked(part, rank) for part in weights), hidden)
        scores = reader.joined(scores, reader.reduced(weights, [-1]))
    parts = reader.parts(value)
    offered = None if parts is None else tuple(ranked(part, rank) for part in parts)
    made = reader.joined(scores, visible(_heads(offered, query)))
    statistics = None if scores is None else tuple(ranked(part, rank)[..., 0] for part in scores)
    rest = [
        State(statistics if output is not None and len(output.shape) > 1 else None)
        for output in node.outputs[1:]
    ]
    return [State(made), *rest]


def _earlier(reader: Reader, rows: int, parts: Parts | None) -> Parts | None:
    """Return labels joined over the keys up to each query, without an array of all pairs."""
    if parts is None:
        return None
    made = []
    for join, part in zip(reader.joins, parts, strict=True):
        if part.shape[-2] > 1:
            part = join.accumulate(part, axis=-2)
            last = min(rows, part.shape[-2])
            part = np.concatenate([part[..., :last, :], np.repeat(part[..., -1:, :], rows - last, -2)], -2)
        made.append(part)
    return tuple(made)


def _visible(reader: Reader, hidden: Array, parts: Parts | None) -> Parts | None:
    """Return labels joined over the keys that each query sees."""
    if parts is None or not hidden.any():
        return None if parts is None else reader.reduced(parts, [-2])
    return live_terms(reader, hidden, parts)


def _over_channels(reader: Reader, value: Value, rank: int) -> Parts | None:
    parts = reader.parts(value)
    return None if parts is None else reader.reduced(tuple(ranked(part, rank) for part in parts), [-1])


def _heads(parts: Parts | None, query: Value) -> Parts | None:
    """Give every query head the labels of its key head."""
    if parts is None or len(query.shape) < 3:
        return parts
    heads = query.shape[-3]
    return tuple(
        np.repeat(part, heads // part.shape[-3], -3) if 1 < part.shape[-3] < heads else part for part in parts
    )


def hidden_keys(
    reader: Reader, mask: Value | None, rows: int, columns: int, causal: bool
) -> tuple[Array, Array]:
    """Return which keys (…, rows, columns) are masked, and which rows (…, rows, 1) have all keys masked."""
    hidden = ~np.tri(rows, columns, dtype=bool) if causal else np.zeros((1, 1), bool)
    fact = None if mask is None else reader.fact(mask)
    low = None
    if mask is not None and fact is not None:
        fact = ranked(fact, 2)
        if mask.dtype == torch.bool:
            hidden = hidden | (fact == ZERO)
        else:
            low = fact == LOW
            hidden = hidden | low | (fact == NINF)
            reader.assumed.low = reader.assumed.low or bool(low.any())
    if low is None:
        return hidden, np.zeros((1, 1), bool)
    return hidden, hidden.all(-1, keepdims=True) & low.any(-1, keepdims=True)
