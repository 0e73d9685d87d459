"""Lengths and padding: what is counted from the end, and what is cut from the wrong side."""

import math

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention

from .specimen import CHUNK, PREFIX, Fault, Model, ahead, every


def counted_from_the_end(x: Tensor) -> Tensor:
    return x + torch.arange(x.shape[1], 0, -1, dtype=x.dtype, device=x.device)[:, None]


def sum_within_chunks(x: Tensor, padded_on_the_left: bool) -> Tensor:
    """Sum within chunks, after padding to whole chunks; on the left, the length decides where they begin."""
    ragged = -x.shape[1] % CHUNK
    if padded_on_the_left:
        padded = pad(x, (0, 0, ragged, 0))
        return padded.unflatten(1, (-1, CHUNK)).cumsum(2).flatten(1, 2)[:, ragged:]
    padded = pad(x, (0, 0, 0, ragged))
    return padded.unflatten(1, (-1, CHUNK)).cumsum(2).flatten(1, 2)[:, : x.shape[1]]


def padding_cut_from_the_left(x: Tensor, by: int = 3) -> Tensor:
    return pad(x, (0, 0, 0, by)).cumsum(1)[:, by:]


def sharpened_by_length(x: Tensor) -> Tensor:
    return scaled_dot_product_attention(x, x, x, is_causal=True, scale=math.log(1 + x.shape[1]) / 2)


MODELS = [
    Model(
        name="sum within chunks, padded on the right",
        fn=lambda x: sum_within_chunks(x, padded_on_the_left=False),
    ),
    Model(name="positions counted from the start", fn=lambda x: x + torch.arange(x.shape[1])[:, None]),
]

FAULTS = [
    Fault(name="padding cut from the wrong side", fn=padding_cut_from_the_left, reads=ahead(3)),
    Fault(name="divided by the length", fn=lambda x: x.cumsum(1) / x.shape[1], reads=every, seen_by=PREFIX),
    Fault(name="positions counted from the end", fn=counted_from_the_end, reads=every, seen_by=PREFIX),
    Fault(
        name="chunks that begin where the length says",
        fn=lambda x: sum_within_chunks(x, padded_on_the_left=True),
        reads=every,
        seen_by=PREFIX,
    ),
    Fault(name="attention sharpened by the length", fn=sharpened_by_length, reads=every, seen_by=PREFIX),
]
