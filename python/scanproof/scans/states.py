"""The state scan ``h_t = a_t * h_(t-1) + b_t`` from ``h_(-1) = 0``, evaluated in three orders.

Every function takes decays ``a`` and inputs ``b`` of shape (..., L, N), L >= 1, and returns all states,
(..., L, N). None divides by a product of decays: that is where cumulated-product tricks lose all accuracy.
"""

import torch
from torch import Tensor
from torch.nn import functional


def sequential_states(a: Tensor, b: Tensor) -> Tensor:
    """Step from token to token, L dependent steps: what Lean calls ``diagonalSelectiveScan``, from zero."""
    h = torch.zeros_like(b[..., 0, :])
    states = []
    for a_t, b_t in zip(a.unbind(-2), b.unbind(-2), strict=True):
        h = a_t * h + b_t
        states.append(h)
    return torch.stack(states, dim=-2)


def chunked_states(a: Tensor, b: Tensor, chunk_size: int) -> Tensor:
    """Scan every chunk from zero at once, then add what the state carried into it becomes.

    In exact arithmetic these are the sequential states: Lean theorem ``diagonalSelectiveScan_chunked``.
    What is scanned within a chunk, running products and states from zero, are its combined transitions:
    Lean theorem ``inclusiveScan_after``. A ragged last chunk is padded with zeros, and no state of the
    padding is read.
    """
    length = a.shape[-2]
    filler = -length % chunk_size
    chunks = (*a.shape[:-2], -1, chunk_size, a.shape[-1])
    a = functional.pad(a, (0, 0, 0, filler)).reshape(chunks)
    b = functional.pad(b, (0, 0, 0, filler)).reshape(chunks)
    local = sequential_states(a, b)
    decay = _running_product(a)
    carried = sequential_states(decay[..., -1, :], local[..., -1, :])
    entering = functional.pad(carried[..., :-1, :], (0, 0, 1, 0)).unsqueeze(-2)
    return (decay * entering + local).flatten(-3, -2)[..., :length, :]


def associative_states(a: Tensor, b: Tensor) -> Tensor:
    """Scan by a parallel prefix over the pairs (a, b) (Blelloch 1990): O(L) work, O(log L) depth.

    Neighbours are combined, ``(a2 a1, a2 b1 + b2)``; the scan of the pairs gives the states at odd positions,
    and one more step from each gives the even ones. That is the recursion ``oddEvenScan``, a parallel prefix:
    Lean theorem ``isPrefixScan_oddEvenScan``. In exact arithmetic the ``b`` of any parallel prefix are the
    sequential states from zero: Lean theorem ``diagonalSelectiveScan_addends``.
    """
    length = a.shape[-2]
    if length == 1:
        return b
    left_a, left_b = a[..., : length - 1 : 2, :], b[..., : length - 1 : 2, :]
    right_a, right_b = a[..., 1::2, :], b[..., 1::2, :]
    odd = associative_states(right_a * left_a, right_a * left_b + right_b)
    later_even = a[..., 2::2, :] * odd[..., : (length - 1) // 2, :] + b[..., 2::2, :]
    even = torch.cat([b[..., :1, :], later_even], dim=-2)
    paired = torch.stack([even[..., : length // 2, :], odd], dim=-2).flatten(-3, -2)
    return torch.cat([paired, even[..., length // 2 :, :]], dim=-2)


def _running_product(a: Tensor) -> Tensor:
    """Return the products a_0 ... a_t; ``torch.cumprod`` would divide by the decays in its backward pass."""
    products = [a[..., 0, :]]
    for a_t in a.unbind(-2)[1:]:
        products.append(a_t * products[-1])
    return torch.stack(products, dim=-2)
