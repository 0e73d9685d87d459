"""The dense map of a function: how much every output reads of every input."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from scanproof.causality.diagnosis.matching import Seen
from scanproof.causality.diagnosis.pattern import LeakPattern, pattern_of
from scanproof.causality.gradients.probes import Probes
from scanproof.foundation.alignment import SAME, Alignment
from scanproof.foundation.call import Call
from scanproof.foundation.contract import Axes
from scanproof.foundation.first_calls import settle_first_calls
from scanproof.foundation.judgement import dtype_name
from scanproof.foundation.memory import MEMORY_BUDGET, check_memory_budget
from scanproof.foundation.packing import Inputs
from scanproof.foundation.seeds import check_seed
from scanproof.foundation.selection import Selector
from scanproof.foundation.subject import Subject
from scanproof.report.leakage import LATER, MAY_READ, READS, SILENT, Leakage
from scanproof.report.report import Report

_KINDS = SILENT + MAY_READ + READS + LATER
LINES, COLUMNS = 40, 64
"""Greatest size of a map drawn with characters."""


@dataclass(frozen=True)
class MapPair:
    """An output that reads an input later than it may.

    Attributes:
        t: position of the output.
        s: position of the input.
        size: the entry of the map.
    """

    t: int
    s: int
    size: float

    def __str__(self) -> str:
        return f"t={self.t} <- s={self.s}: {self.size:.3e}"


@dataclass(frozen=True, kw_only=True, eq=False)
class LeakMap(Report):
    """How much every output reads of every input.

    Entry (t, s) of ``values`` comes from one random combination of all entries of ``fn(x)`` at t, with
    standard normal weights. It is the greatest absolute gradient of this combination over examples and
    channels of ``x`` at s. If no entry at t reads any entry at s, it is zero; otherwise, it is zero with
    probability zero. Its size is typical of such combinations; it is not a bound.

    Attributes:
        values: shape (outputs, T), on the CPU, in the precision of the gradients.
        reaches: number of inputs that each output may read, shape (outputs,), CPU; by default t + 1.
        read: whether an output reads a later input by more than rounding; shape (outputs, T), CPU.
        pattern: the pattern of ``read``; None if no output reads a later input.
        vjps: number of vector-Jacobian products computed.
        seed: repeats the same combinations.
        dtype: dtype of ``x``.
        device: device of ``x``.
        call: the call that repeats the map.
    """

    check: ClassVar = "leak map"

    values: Tensor
    reaches: Tensor
    read: Tensor
    pattern: LeakPattern | None
    vjps: int
    seed: int
    dtype: str
    device: str
    call: str

    def worst(self, count: int = 8) -> tuple[MapPair, ...]:
        """Return at most ``count`` pairs that read a later input, the greatest first."""
        t, s = self.read.nonzero(as_tuple=True)
        sizes = self.values[t, s]
        first = sizes.argsort(descending=True, stable=True)[:count]
        return tuple(MapPair(int(t[i]), int(s[i]), float(sizes[i])) for i in first)

    def picture(self, lines: int = LINES, columns: int = COLUMNS) -> str:
        """Draw the map with characters; in a larger map, a character stands for several rows and columns.

        ``#``: the output reads a later input. ``+``: it reads an input that it may read. ``.``: it may read
        the input and does not.
        """
        kinds = self._kinds()
        rows, s = _coarse(len(kinds), lines), _coarse(kinds.shape[1], columns)
        drawn = [kinds[a:b].amax(0) for a, b in rows]
        width = len(str(len(kinds) - 1))
        text = [
            f"  t {a:>{width}}  " + "".join(_KINDS[int(row[c:d].max())] for c, d in s)
            for (a, _), row in zip(rows, drawn, strict=True)
        ]
        last = str(kinds.shape[1] - 1)
        head = " " * (width + 6) + "s 0".ljust(len(s) - len(last)) + last
        return "\n".join([head, *(line.rstrip() for line in text)])

    def summary(self) -> str:
        """Return a few lines, and the picture."""
        outputs, T = self.values.shape
        later = int((T - self.reaches).sum())
        count = f"{int(self.read.sum())} of {later} later pairs are read"
        lines = [f"LeakMap({outputs} outputs, {T} inputs): {count}"]
        if self.pattern:
            lines.append(f"  pattern    : {self.pattern}")
            lines.append(f"  worst      : {', '.join(map(str, self.worst(3)))}")
        lines.append(f"  probed     : {self.vjps} VJPs; {self.dtype} on {self.device}, seed {self.seed}")
        legend = "  # reads a later input   + reads an input that it may   . may read, and does not"
        return "\n".join([*lines, self.picture(), legend])

    @property
    def leakage(self) -> Leakage:
        """The map as a picture without tensors."""
        kinds = ["".join(_KINDS[kind] for kind in row) for row in self._kinds().tolist()]
        return Leakage.of(self.values.tolist(), kinds)

    def _kinds(self) -> Tensor:
        """Return the place of each entry's kind in ``_KINDS``, shape (outputs, T)."""
        later = torch.arange(self.values.shape[1], device="cpu") >= self.reaches[:, None]
        return torch.where(self.read, 3, torch.where(later, 0, torch.where(self.values != 0, 2, 1)))


def leak_map(
    fn: Callable[..., Any],
    x: Inputs,
    *,
    seq_dim: int = 1,
    batch_dim: int | None = 0,
    alignment: Alignment = SAME,
    output: Selector | None = None,
    kwargs: Mapping[str, Any] | None = None,
    memory_budget: int = MEMORY_BUDGET,
    seed: int = 0,
) -> LeakMap:
    """Measure how much every output reads of every input, with one product per output.

    The map gives a picture and the exact pattern of a leak; ``certify`` decides whether there is a leak.
    Later entries are measured in two precisions, and entries that shrink as rounding does do not count as
    read.

    Args:
        fn: as for ``certify``.
        x: as for ``certify``.
        seq_dim: axis of positions in ``x`` and in the output.
        batch_dim: axis of examples in both; None for an input without a batch axis.
        alignment: which inputs each output may read, if that is not ``s <= t``.
        output: which of several outputs is checked.
        kwargs: keyword arguments that ``fn`` receives unchanged.
        memory_budget: as for ``certify``. The map itself, outputs x T numbers, is not counted.
        seed: seed of the combinations.

    Returns:
        The map.

    Raises:
        InvalidArgument: the call is wrong, or there is no finite gradient.

    Example:
        >>> import torch
        >>> from scanproof import leak_map
        >>> print(leak_map(lambda x: x.roll(-1, 1), torch.ones(1, 6, 2)).picture())
               s 0  5
          t 0  .#
          t 1  ..#
          t 2  ...#
          t 3  ....#
          t 4  .....#
          t 5  +.....
    """
    arguments = locals()
    subject = Subject.of(
        "leak_map", fn, x, Axes(seq_dim, batch_dim), alignment=alignment, output=output, kwargs=kwargs
    )
    check_memory_budget("leak_map", memory_budget)
    settle_first_calls()
    check_seed("leak_map", seed)
    probes = Probes(subject, torch.Generator(device="cpu").manual_seed(seed), memory_budget)
    values, read = probes.map()
    order = probes.order
    reaches = order.reaches[order.outputs]
    return LeakMap(
        values=values,
        reaches=reaches,
        read=read,
        pattern=_pattern(read, reaches, subject.alignment == SAME) if read.any() else None,
        vjps=probes.vjps,
        seed=seed,
        dtype=dtype_name(subject.x.dtype),
        device=str(subject.x.device),
        call=Call(leak_map, arguments).text(),
    )


def _pattern(read: Tensor, reaches: Tensor, same: bool) -> LeakPattern:
    """Return the pattern of all pairs; outputs with the same reach count as one."""
    T = read.shape[1]
    last, group = (reaches - 1).unique(return_inverse=True)
    together = torch.zeros(len(last), T, dtype=torch.bool, device="cpu")
    for number in range(len(last)):
        together[number] = read[group == number].any(0)
    rows = {t: row for t, row in zip(last.tolist(), together, strict=True) if t < T - 1}
    return pattern_of(Seen(T, last[last < T - 1], rows), same)


def _coarse(length: int, most: int) -> list[tuple[int, int]]:
    """Split positions into at most ``most`` ranges whose lengths differ by at most one."""
    count = min(length, most)
    return [(i * length // count, (i + 1) * length // count) for i in range(count)]
