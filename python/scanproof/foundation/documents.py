"""Packed rows: each document becomes an example, so that every check of examples is one of documents."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.foundation.alignment import SAME
from scanproof.foundation.contract import Axes, check_axes, check_axis_numbers, check_output
from scanproof.foundation.packing import InputsT, Packing
from scanproof.foundation.selection import Selector, check_selector, select


@dataclass(frozen=True)
class Document:
    """Where a document is in packed rows.

    Attributes:
        row: its row.
        start: its first position there.
        length: its number of positions.
    """

    row: int
    start: int
    length: int

    def __str__(self) -> str:
        return f"row {self.row} from {self.start}"


@dataclass(frozen=True)
class Documents:
    """Where the documents of packed rows are, in order; tensors on the CPU.

    Attributes:
        row: the row of each document, shape (documents,).
        start: its first position there, shape (documents,).
        length: its number of positions, shape (documents,).
        rows: number of rows.
        positions: number of positions of a row.
        axes: the axes of positions and of rows.
    """

    row: Tensor
    start: Tensor
    length: Tensor
    rows: int
    positions: int
    axes: Axes

    @classmethod
    def of(cls, check: str, documents: Tensor, x: Tensor, axes: Axes) -> "Documents":
        """Find the runs of equal numbers in ``documents``, (T,) for all rows or (rows, T).

        Raises:
            InvalidArgument: ``documents`` has another shape, or a number comes back after another one.
        """
        assert axes.batch is not None
        rows, positions = x.shape[axes.batch], x.shape[axes.seq]
        shape = tuple(documents.shape) if isinstance(documents, Tensor) else type(documents).__name__
        if shape not in ((positions,), (rows, positions)):
            raise InvalidArgument(
                f"{check}: documents must be a tensor that numbers the document of each position, shape "
                f"({positions},) or ({rows}, {positions}), got {shape}."
            )
        numbers = documents.detach().cpu().expand(rows, positions)
        first = torch.ones_like(numbers, dtype=torch.bool)
        first[:, 1:] = numbers[:, 1:] != numbers[:, :-1]
        row, start = first.nonzero(as_tuple=True)
        named = torch.stack([row, numbers[row, start].long()], 1)
        if len(named.unique(dim=0)) < len(named):
            raise InvalidArgument(
                f"{check}: documents must give each document of a row its own number, and a number comes "
                "back after another one; number the documents 0, 1, 2, … along the row."
            )
        ends = torch.cat([start[1:], start.new_tensor([positions])])
        ends[ends == 0] = positions
        return cls(row, start, ends - start, rows, positions, axes)

    def __len__(self) -> int:
        return len(self.row)

    def list(self) -> tuple[Document, ...]:
        """Return the documents one by one."""
        places = torch.stack([self.row, self.start, self.length], 1).tolist()
        return tuple(Document(*place) for place in places)

    def split(self, packed: Tensor) -> Tensor:
        """Return documents as examples; positions beyond the end of a document are zero."""
        front = self._to_front(packed)
        offsets = torch.arange(int(self.length.max()))
        inside = offsets < self.length[:, None]
        places = self.start[:, None] + torch.where(inside, offsets, 0)
        parts = front[self.row[:, None].to(front.device), places.to(front.device)]
        shown = inside.to(front.device).reshape(*inside.shape, *[1] * (parts.dim() - 2))
        return self._from_front(torch.where(shown, parts, parts.new_zeros(())))

    def join(self, parts: Tensor) -> Tensor:
        """Return packed rows, the inverse of ``split``."""
        front = self._to_front(parts)
        numbers = torch.arange(len(self)).repeat_interleave(self.length)
        offsets = torch.arange(self.rows * self.positions) % self.positions - self.start[numbers]
        flat = front[numbers.to(front.device), offsets.to(front.device)]
        return self._from_front(flat.unflatten(0, (self.rows, self.positions)))

    def _to_front(self, tensor: Tensor) -> Tensor:
        return tensor.movedim(self._places, (0, 1))

    def _from_front(self, tensor: Tensor) -> Tensor:
        return tensor.movedim((0, 1), self._places)

    @property
    def _places(self) -> tuple[int, int]:
        assert self.axes.batch is not None
        return self.axes.batch, self.axes.seq


def split_documents(
    fn: Callable[..., Any],
    x: InputsT,
    documents: Tensor,
    *,
    seq_dim: int = 1,
    batch_dim: int = 0,
    output: Selector | None = None,
) -> tuple[Callable[..., Any], InputsT]:
    """Return a function and an input in which every document of packed rows is an example.

    The function packs the documents into rows as they were, calls ``fn``, and takes its outputs apart. Then a
    check of examples is a check of documents: an output reads only its own document, and in this document
    only earlier positions.

    Args:
        fn: the function of packed rows. It gets the same layout at each call, so ``seq_idx`` or
            ``cu_seqlens`` can be constants of it.
        x: packed rows (rows, T, …); a tuple or mapping of several.
        documents: the number of the document of each position, (T,) for all rows or (rows, T); ``seq_idx``,
            or from ``cu_seqlens`` ``torch.repeat_interleave(torch.arange(n), cu_seqlens.diff())``.
        seq_dim: axis of positions of inputs and outputs.
        batch_dim: axis of rows of both.
        output: which of several outputs is checked, as in ``certify``.

    Returns:
        The function, and its input of shape (documents, longest document, …); shorter documents are followed
        by zeros that ``fn`` does not get.

    Raises:
        InvalidArgument: the documents do not fit ``x``.

    Source: Lean theorem ``Runner.packed_outputs_alone``.

    Example:
        >>> import torch
        >>> from scanproof import certify
        >>> x, seq_idx = torch.randn(1, 6, 2), torch.tensor([0, 0, 0, 0, 1, 1])
        >>> certify(*split_documents(lambda x: x.cumsum(1), x, seq_idx)).verdict.name
        'LEAK'
    """
    check, axes = "split_documents", Axes(seq_dim, batch_dim)
    check_axis_numbers(check, axes)
    check_selector(check, output)
    if isinstance(x, Tensor):
        check_axes(check, "x", x, axes)
    packing = None if isinstance(x, Tensor) else Packing.of(check, x, axes)
    packed = cast(Tensor, x if packing is None else packing.pack(cast(Any, x)))
    layout = Documents.of(check, documents, packed, axes)
    parts = layout.split(packed)
    by_document = of_documents(check, fn, packed, layout, set(x) if isinstance(x, Mapping) else (), output)
    return by_document, cast(InputsT, parts if packing is None else packing.restore(parts))


def of_documents(
    check: str,
    fn: Callable[..., Any],
    packed: Tensor,
    layout: Documents,
    names: Collection[str],
    output: Selector | None,
) -> Callable[..., Tensor]:
    """Return the function of documents that calls a function of packed rows.

    Args:
        check: the check that is named in errors.
        fn: the function of packed rows.
        packed: the packed rows.
        layout: where the documents are in them.
        names: the inputs that are passed by name; other named arguments are passed on unchanged.
        output: which of several outputs is returned.
    """

    @wraps(fn, updated=())
    def by_document(*inputs: Tensor, **options: Any) -> Tensor:
        joined = {name: layout.join(options[name]) if name in names else options[name] for name in options}
        y = select(check, fn(*map(layout.join, inputs), **joined), output)
        return layout.split(check_output(check, y, packed, layout.axes, "fn(x)", SAME))

    return by_document
