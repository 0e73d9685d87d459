"""Which inputs each output may read, for outputs whose positions are not those of the inputs.

Output ``t`` may read the first ``reach(t)`` inputs, which are the inputs ``s < reach(t)``. A cut ``tau``
keeps the outputs with ``reach(t) <= tau`` and forbids the inputs ``s >= tau``. The cut ``tau = reach(t)``
separates every pair that reads too far, ``s >= reach(t)``. So the cuts at all different reaches are complete
(``matrixCausal_iff_reach_cuts``). Checks use only the order that an alignment puts on inputs and outputs
(``matrixCausal_iff_rank_cuts``).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from scanproof.errors import InvalidArgument


@dataclass(frozen=True)
class Order:
    """Inputs and outputs on one scale: output t may read input s if and only if ``inputs[s] <= outputs[t]``.

    Attributes:
        outputs: rank of each output, shape (T',), CPU.
        inputs: rank of each input, shape (T,), CPU.
        reaches: by rank, the reach of the outputs of that rank; ascending, CPU.
    """

    outputs: Tensor
    inputs: Tensor
    reaches: Tensor

    @property
    def cuts(self) -> Tensor:
        """The ranks to cut at: cut ``j`` keeps outputs below rank ``j`` and forbids inputs from it on."""
        return torch.arange(1, int(self.inputs.max()) + 1, device="cpu")

    def complete(self, length: int) -> Tensor:
        """Return the outputs that may read only the first ``length`` inputs, CPU."""
        return (self.reaches[self.outputs] <= length).nonzero().flatten()


@dataclass(frozen=True, repr=False)
class Alignment:
    """How many inputs each output may read: output ``t`` may read the inputs ``s < reach(t)``.

    Build an alignment with ``same``, ``patches``, ``stride``, ``upsample`` or ``shift``; for any other
    alignment, use ``explicit``.

    Example:
        >>> from scanproof import Alignment
        >>> Alignment.patches(4).reaches(outputs=3, inputs=12).tolist()
        [4, 8, 12]
        >>> Alignment.stride(4).reaches(outputs=3, inputs=12).tolist()
        [1, 5, 9]
        >>> Alignment.upsample(2).reaches(outputs=6, inputs=3).tolist()
        [1, 1, 2, 2, 3, 3]
        >>> Alignment.shift(1).reaches(outputs=3, inputs=3).tolist()
        [0, 1, 2]
    """

    _name: str = field(compare=False)
    _step: int = 1
    _first: int = 1
    _repeat: int = 1
    _table: tuple[int, ...] | None = None

    @classmethod
    def same(cls) -> "Alignment":
        """Output t belongs to input t: its reach is t + 1."""
        return cls("same()")

    @classmethod
    def patches(cls, size: int, stride: int | None = None) -> "Alignment":
        """Output t reads its patch, ``size`` inputs from ``stride * t`` on: its reach is stride t + size.

        Args:
            size: inputs in a patch.
            stride: inputs from one patch to the next; by default ``size``. A convolution without padding is
                ``patches(kernel_size, stride)``.
        """
        _check_count("patches", "size", size)
        if stride is None:
            return cls(f"patches({size})", _step=size, _first=size)
        _check_count("patches", "stride", stride)
        return cls(f"patches({size}, stride={stride})", _step=stride, _first=size)

    @classmethod
    def stride(cls, stride: int) -> "Alignment":
        """Output t belongs to input ``stride * t``, T' = ceil(T / stride): its reach is stride t + 1."""
        _check_count("stride", "stride", stride)
        return cls(f"stride({stride})", _step=stride)

    @classmethod
    def upsample(cls, factor: int) -> "Alignment":
        """Each input has ``factor`` outputs, T' = factor T: the reach of output t is t // factor + 1."""
        _check_count("upsample", "factor", factor)
        return cls(f"upsample({factor})", _repeat=factor)

    @classmethod
    def shift(cls, by: int) -> "Alignment":
        """Output t reads only inputs before ``t + 1 - by``.

        Use 1 for outputs that predict the input at their own position. A negative number allows a look-ahead
        of that many inputs.
        """
        if not _whole(by):
            raise InvalidArgument(f"Alignment.shift: by must be a whole number, got {by!r}.")
        return cls(f"shift({by})", _first=1 - by)

    @classmethod
    def explicit(cls, reach: Iterable[int] | Tensor) -> "Alignment":
        """Output t reads the first ``reach[t]`` inputs; ``reach`` has one number per output, in any order."""
        numbers = reach.tolist() if isinstance(reach, Tensor) else reach
        table = tuple(numbers) if isinstance(numbers, Iterable) and not isinstance(numbers, str) else ()
        if not table or not all(_whole(number) and number >= 0 for number in table):
            raise InvalidArgument(
                "Alignment.explicit: reach must hold one whole number >= 0 per output, the number of inputs "
                f"that it may read, got {reach!r}."
            )
        return cls(f"explicit({table!r})", _table=table)

    def __repr__(self) -> str:
        return f"Alignment.{self._name}"

    def lengths(self, inputs: int) -> range:
        """Return the possible numbers of outputs for that many inputs, which may be a prefix of the whole."""
        if self._table is not None:
            return range(1, len(self._table) + 1)
        first = min(max(self._first, 1), inputs + 1)
        fewest = (inputs - first) // self._step + 1
        most = (inputs - 1) // self._step + 1
        return range(self._repeat * fewest, self._repeat * most + 1, self._repeat)

    def reaches(self, outputs: int, inputs: int) -> Tensor:
        """Return the reach of every output, at most ``inputs``, shape (outputs,), CPU.

        Raises:
            InvalidArgument: an explicit alignment has another number of outputs.
        """
        if self._table is not None:
            if outputs != len(self._table):
                raise InvalidArgument(
                    f"Alignment.explicit: reach holds {len(self._table)} numbers for {outputs} outputs; give "
                    "one per output."
                )
            reach = torch.tensor(self._table, device="cpu")
        else:
            positions = torch.arange(outputs, device="cpu")
            reach = positions.div(self._repeat, rounding_mode="floor") * self._step + self._first
        return reach.clamp(0, inputs)

    def order(self, outputs: int, inputs: int) -> Order:
        """Return the order of that many outputs and inputs."""
        reaches, ranks = self.reaches(outputs, inputs).unique(return_inverse=True)
        positions = torch.arange(inputs, device="cpu")
        return Order(ranks, torch.searchsorted(reaches, positions, right=True), reaches)


SAME = Alignment.same()


def _whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


def _check_count(name: str, argument: str, number: object) -> None:
    if not (isinstance(number, int) and _whole(number) and number >= 1):
        raise InvalidArgument(f"Alignment.{name}: {argument} must be a whole number >= 1, got {number!r}.")
