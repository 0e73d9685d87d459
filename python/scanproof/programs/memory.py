"""The memory of a tensor: a copy of it, and the entries that lie at its places."""

import torch
from torch import Tensor


def copied(tensor: Tensor) -> Tensor:
    """Return a detached copy with the strides and the storage offset of ``tensor``.

    Entries that share memory do so in the copy. Memory between the entries is copied as well; memory before
    them is zero.
    """
    strides, start = tensor.stride(), tensor.storage_offset()
    if not tensor.numel() or fills_memory(tensor) or tensor.is_conj() or tensor.is_neg():
        return tensor.detach().clone()
    memory = memory_of(tensor)
    storage = memory.new_zeros(start + len(memory))
    storage[start:].copy_(memory)
    return storage.as_strided(tensor.shape, strides, start)


def memory_of(tensor: Tensor) -> Tensor:
    """Return the memory from the first entry of a tensor to the last as one axis, detached."""
    span = 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return tensor.detach().as_strided((span,), (1,))


def fills_memory(tensor: Tensor) -> bool:
    """Whether the entries of a tensor fill its storage from the first place on, one entry at each place."""
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size != 1:
            if stride != expected:
                return False
            expected *= size
    return not tensor.storage_offset()


def places(tensor: Tensor) -> Tensor:
    """Return the place of each entry in the storage of a tensor, int64, of its shape."""
    found = torch.full(tensor.shape, int(tensor.storage_offset()))
    for axis, (size, stride) in enumerate(zip(tensor.shape, tensor.stride(), strict=True)):
        found += (torch.arange(size) * stride).reshape([-1] + [1] * (tensor.dim() - axis - 1))
    return found


def shared_places(tensor: Tensor) -> Tensor | None:
    """Return numbers for the places of the entries, of the shape of ``tensor``; None if none is shared.

    The numbers count from 0, and entries at one place have one number.
    """
    reached = 0
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1 and stride <= reached:
            break
        reached += (size - 1) * stride
    else:
        return None  # each axis steps over all places that the axes before it reach
    found, numbers = places(tensor).unique(return_inverse=True)
    return numbers if len(found) < tensor.numel() else None


def entries_at(tensor: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Return which entry of ``tensor`` lies at each place of its storage, and where one does.

    Args:
        tensor: the tensor, with at least one entry.
        wanted: places in the storage, int64.

    Returns:
        Numbers of entries, counted in the order of the axes, int64, of the shape of ``wanted``: the first
        entry where several share a place, any entry where none lies there; and truth values of that shape,
        false where none does.
    """
    own, first = places(tensor).flatten().sort(stable=True)
    at = torch.searchsorted(own, wanted).clamp(max=len(own) - 1)
    return first[at], own[at] == wanted
