"""Draw a point: residues for the inputs and the parameters of two programs."""

from collections.abc import Mapping
from hashlib import sha256

import torch
from torch import Tensor, nn

from scanproof.programs.field.degree import DRAWN
from scanproof.programs.field.pair import Complex, Lost, Pair
from scanproof.programs.field.pairs import moved
from scanproof.programs.field.primes import Primes, draw_primes
from scanproof.programs.field.residues import Side
from scanproof.programs.program import Value


class Parameters:
    """Names parameters, so that two programs draw the same residues for what they share.

    One parameter has one name in both programs. Parameters of the same name, shape and dtype with equal
    entries also have one name, unless the other function holds both of them.

    Args:
        f: the parameters of one function, by name.
        g: the parameters of the other function.
    """

    def __init__(self, f: Mapping[str, Tensor], g: Mapping[str, Tensor]) -> None:
        self._names: dict[int, str] = {}
        self._kept: list[Tensor] = []
        for name, parameter in f.items():
            self._enter(parameter, name)
        for name, parameter in g.items():
            other = f.get(name)
            held = other is not None and any(other is each for each in g.values())
            if other is not None and not held and _equal(parameter, other):
                self._enter(parameter, self._names[id(other)])

    def __len__(self) -> int:
        return len(set(self._names.values()))

    def name(self, parameter: Tensor) -> str:
        """Return the name of a parameter."""
        if id(parameter) not in self._names:
            self._enter(parameter, f"parameter {len(self._kept)}")
        return self._names[id(parameter)]

    def same(self, one: Tensor, other: Tensor) -> bool:
        """Whether two parameters have one name."""
        return self.name(one) == self.name(other)

    def _enter(self, parameter: Tensor, name: str) -> None:
        self._kept.append(parameter)
        self._names.setdefault(id(parameter), name)


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and one.device == other.device and torch.equal(one, other)


class Point:
    """A drawn point.

    Args:
        seed: the seed of the check.
        number: the number of the point.
        parameters: names of parameters.
        shared: for inputs by name, a number for each entry, the same for entries that get one draw.
    """

    def __init__(
        self,
        seed: int,
        number: int,
        parameters: Parameters | None = None,
        shared: Mapping[str, Tensor] | None = None,
    ) -> None:
        self._key = f"{seed} {number}"
        self._shared = shared or {}
        self._parameters = Parameters({}, {}) if parameters is None else parameters
        self.primes: Primes = draw_primes(_seed(self._key))

    def drawn(self, program: int, value: Value) -> Pair | Complex:
        """Return the residues of an input, of a parameter, or of memory that nothing was written into.

        Args:
            program: the number of the program; what is in memory is another number in each program.
            value: the tensor.
        """
        if value.source == "computed":
            name = f"memory {program} {value.index}"
        elif value.source == "input":
            name = f"input {value.index}"
        elif isinstance(value.tensor, nn.Parameter):
            name = self._parameters.name(value.tensor)
        else:
            why = Lost("a parameter that the function writes into")
            return Pair(why, why)
        places = self._shared.get(value.name) if value.source == "input" else None
        if value.dtype.is_complex:
            real, imag = (self.pair(f"{name}, {part}", value.shape, places) for part in ("real", "imag"))
            return Complex(real, imag)
        return self.pair(name, value.shape, places)

    def pair(self, name: str, shape: tuple[int, ...], places: Tensor | None = None) -> Pair:
        """Return the residues of a real tensor, the same for the same name.

        Args:
            name: the name of the draw.
            shape: the shape of the tensor.
            places: a number for each entry, counted from 0; entries with one number get one draw.
        """
        if places is not None:
            drawn = self.pair(name, (int(places.max()) + 1,))
            return moved(drawn, lambda values: values[places])
        generator = torch.Generator().manual_seed(_seed(f"{self._key} {name}"))
        value, exponent = (
            Side(prime, torch.randint(prime, shape, generator=generator), DRAWN)
            for prime in (self.primes.p, self.primes.q)
        )
        return Pair(value, exponent)


def _seed(text: str) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:7], "little")
