"""Rules of fused attention and its backward operation."""

import math

import torch
from torch import Tensor

from scanproof.programs.field import pairs
from scanproof.programs.field.calls import PairCall
from scanproof.programs.field.pair import Pair
from scanproof.programs.field.residues import Undecided
from scanproof.programs.field.table import exponential


def _transposed(tensor: Tensor) -> Tensor:
    return tensor.transpose(-1, -2)


def _shared(call: PairCall, name: str) -> Pair:
    """Return keys or values, repeated for the queries that share them."""
    heads, own = call["query"].shape[-3], call[name].shape[-3]
    found = call.pair(name)
    if heads == own:
        return found
    return pairs.moved(found, lambda tensor: tensor.repeat_interleave(heads // own, -3))


def _gathered(call: PairCall, name: str, x: Pair) -> Pair:
    """Return the sums of the gradients for the queries that share keys or values."""
    heads, own = call["query"].shape[-3], call[name].shape[-3]
    if heads == own:
        return x
    return pairs.summed(pairs.moved(x, lambda tensor: tensor.unflatten(-3, (own, -1))), [-3])


def _scale(call: PairCall) -> Pair:
    return call.number(call.get("scale", 1 / math.sqrt(call["query"].shape[-1])))


def _scores(call: PairCall) -> Pair:
    """Return the scores: minus infinity where a query may not see a key."""
    if call["dropout_p"]:
        raise Undecided("drops entries at random")
    scores = pairs.matmul(call.pair("query"), pairs.moved(_shared(call, "key"), _transposed)) * _scale(call)
    if call.renewed:
        scores = pairs.renewed(scores, call.primes)
    mask = call.get("attn_mask", None)
    if mask is not None:
        scores = scores + call.read(mask)
    if call["is_causal"]:
        queries, keys = call["query"].shape[-2], call["key"].shape[-2]
        scores = pairs.choose(torch.ones(queries, keys).tril().bool(), scores, call.number(-math.inf))
    return scores


def _shares(call: PairCall) -> tuple[Pair, Pair]:
    """Return what softmax makes of the scores, and the sums of their exponentials.

    A query that may see no key has zeros for shares, as in the kernel; the sum is then 1 here.
    """
    scores = _scores(call)
    grown = pairs.exp(scores, call.primes)
    sums = pairs.or_one(pairs.summed(grown, [-1], keepdim=True), scores, -1, call.primes)
    return grown / sums, sums


@exponential("_scaled_dot_product_flash_attention_for_cpu")
def _attention(call: PairCall) -> list[Pair]:
    shares, sums = _shares(call)
    logs = pairs.log(pairs.moved(sums, lambda tensor: tensor.squeeze(-1)), call.primes)
    return [pairs.matmul(shares, _shared(call, "value")), logs]


@exponential("_scaled_dot_product_flash_attention_for_cpu_backward")
def _attention_backward(call: PairCall) -> list[Pair]:
    shares, _ = _shares(call)
    g, v = call.pair("grad_out"), _shared(call, "value")
    pulled = pairs.matmul(g, pairs.moved(v, _transposed))
    scores = shares * (pulled - pairs.summed(pulled * shares, [-1], keepdim=True)) * _scale(call)
    return [
        pairs.matmul(scores, _shared(call, "key")),
        _gathered(call, "key", pairs.matmul(pairs.moved(scores, _transposed), call.pair("query"))),
        _gathered(call, "value", pairs.matmul(pairs.moved(shares, _transposed), g)),
    ]
