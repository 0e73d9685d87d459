"""Other futures of the same length, one for each kind."""

from collections.abc import Iterable
from typing import Literal, cast, get_args

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.foundation.contract import Axes
from scanproof.foundation.drawing import LARGE

Kind = Literal["noise", "large", "permutation", "zeros"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Replacement:
    """Futures for ``x``, drawn once: every cut, every precision and every repetition gets the same futures.

    Floating entries: ``noise`` has the mean and the standard deviation of ``x``. ``large`` is 1024 times the
    greatest entry of ``x`` with random signs, and less in half precision, where squares would overflow. Token
    ids: ``noise`` is never the id that was there; ``large`` is the greatest id, and ``zeros`` the smallest.
    ``permutation`` shuffles positions.

    Args:
        check: name of the check, for messages.
        x: the input.
        axes: the axis of positions.
        vocab_size: ids are 0 … vocab_size - 1; None for the ids in ``x``.
        generator: CPU generator.

    Raises:
        InvalidArgument: ``vocab_size`` does not fit ``x``.
    """

    def __init__(
        self, check: str, x: Tensor, axes: Axes, vocab_size: int | None, generator: torch.Generator
    ) -> None:
        self._x, self._seq = x, axes.find("seq", x)
        self._keys = torch.rand(x.shape[self._seq], generator=generator, device="cpu").to(x.device)
        if x.is_floating_point():
            if vocab_size is not None:
                raise InvalidArgument(
                    f"{check}: vocab_size={vocab_size} is for token ids, but x is {x.dtype}; drop it."
                )
            self._whole = _numbers(x, generator)
        else:
            self._whole = _ids(check, x, vocab_size, generator)

    def future(self, kind: Kind, cut: int) -> Tensor:
        """Return ``x`` with other entries from position ``cut`` on."""
        length = self._x.shape[self._seq] - cut
        if kind == "permutation":
            order = torch.cat([torch.arange(cut, device=self._x.device), cut + self._keys[cut:].argsort()])
            return self._x.index_select(self._seq, order)
        replaced = self._x.clone()
        replaced.narrow(self._seq, cut, length).copy_(self._whole[kind].narrow(self._seq, cut, length))
        return replaced


def check_kinds(check: str, kinds: Iterable[Kind]) -> tuple[Kind, ...]:
    """Return ``kinds`` as a tuple.

    Raises:
        InvalidArgument: a kind is unknown, or there is no kind.
    """
    chosen = (cast(Kind, kinds),) if isinstance(kinds, str) else tuple(kinds)
    if not chosen or not set(chosen) <= set(KINDS):
        raise InvalidArgument(f"{check}: kinds must be some of {', '.join(map(repr, KINDS))}, got {kinds!r}.")
    return chosen


def _numbers(x: Tensor, generator: torch.Generator) -> dict[Kind, Tensor]:
    wide = x.float() if x.element_size() < 4 else x
    noise = torch.randn(x.shape, generator=generator, device="cpu", dtype=torch.float64).to(
        x.device, wide.dtype
    )
    deviation = wide.std(correction=0)
    peak = float(wide.abs().max())
    size = max(peak, min(LARGE * (peak or 1.0), torch.finfo(x.dtype).max ** 0.25))
    return {
        "noise": (wide.mean() + torch.where(deviation > 0, deviation, 1.0) * noise).to(x.dtype),
        "large": (size * torch.where(noise < 0, -1.0, 1.0)).to(x.dtype),
        "zeros": torch.zeros_like(x),
    }


def _ids(check: str, x: Tensor, vocab_size: int | None, generator: torch.Generator) -> dict[Kind, Tensor]:
    present = x.unique()
    least, greatest = int(present[0]), int(present[-1])
    if vocab_size is None and len(present) < 2:
        raise InvalidArgument(
            f"{check}: x holds only the id {least}, so there is no other id to replace it with; pass "
            "vocab_size= or an x with several ids."
        )
    if vocab_size is not None and not (least >= 0 and greatest < vocab_size and vocab_size >= 2):
        raise InvalidArgument(
            f"{check}: vocab_size must be at least 2 and above every id, got {vocab_size} for ids "
            f"{least} … {greatest}."
        )
    ids = present if vocab_size is None else torch.arange(vocab_size, device=x.device, dtype=x.dtype)
    steps = torch.randint(1, len(ids), x.shape, generator=generator, device="cpu").to(x.device)
    return {
        "noise": ids[(torch.searchsorted(ids, x.contiguous()) + steps) % len(ids)],
        "large": torch.full_like(x, int(ids[-1])),
        "zeros": torch.full_like(x, int(ids[0])),
    }
