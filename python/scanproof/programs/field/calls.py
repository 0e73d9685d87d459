"""One operation of a program, as the rules of the field see it."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from scanproof.programs.field.pair import Before, Complex, Lost, Pair, Spectrum
from scanproof.programs.field.pairs import moved
from scanproof.programs.field.primes import Primes
from scanproof.programs.field.residues import Side, Undecided, constant, number
from scanproof.programs.program import Node, Value, inexact

MOST = 1 << 10
"""Whole numbers up to this one count as exponents: a power multiplies the degree."""


class Arguments:
    """The arguments of an operation.

    Attributes:
        node: the operation.
    """

    def __init__(self, node: Node, held: Mapping[int, Tensor], branch: Tensor | None) -> None:
        self.node = node
        self._held, self._branch = held, branch
        self._bound = bound(node)

    def __getitem__(self, name: str) -> Any:
        """Return an argument as it was given, or its default."""
        return self._bound[name]

    def __contains__(self, name: str) -> bool:
        return name in self._bound

    def get(self, name: str, default: Any) -> Any:
        """Return an argument; ``default`` if the operation has no such argument or the argument is None."""
        found = self._bound.get(name)
        return default if found is None else found

    def chosen(self, arg: Any) -> Any:
        """Return whole numbers and truth values as the float run had them, also within lists."""
        if isinstance(arg, Value):
            if inexact(arg.dtype):
                raise Undecided("takes an index or a mask that is no whole number")
            return self._held[arg.index]
        return [self.chosen(each) for each in arg] if isinstance(arg, list | tuple) else arg

    @property
    def taken(self) -> Tensor:
        """Entries at which the float run took the first of two branches, or the number of the branch."""
        return torch.as_tensor(self._branch)

    @property
    def name(self) -> str:
        """The name of the operation, without its overload."""
        return packet(self.node)

    def axes(self, rank_of: str = "self") -> list[int]:
        """Return the axes of a reduction of a tensor; all axes if none are given."""
        given, rank = self._bound.get("dim"), len(self._bound[rank_of].shape)
        if given is None or given == []:
            return list(range(rank))
        return [axis % max(rank, 1) for axis in (given if isinstance(given, list | tuple) else [given])]


class Call(Arguments):
    """An operation whose tensors are residues modulo one prime.

    Attributes:
        modulus: the prime.
    """

    def __init__(
        self,
        node: Node,
        modulus: int,
        sides: Callable[[Value], Side],
        held: Mapping[int, Tensor],
        branch: Tensor | None,
        zeros: bool = False,
    ) -> None:
        """Take an operation; with ``zeros``, numbers and tensors of whole numbers are read as zeros."""
        super().__init__(node, held, branch)
        self.modulus, self._sides, self._zeros = modulus, sides, zeros

    def side(self, name: str) -> Side:
        """Return a tensor or a number among the arguments as residues."""
        return self.read(self._bound[name])

    def read(self, arg: Any) -> Side:
        """Return a tensor or a number as residues."""
        if isinstance(arg, Value) and inexact(arg.dtype):
            return self._sides(arg)
        if not isinstance(arg, Value):
            return number(0 if self._zeros else arg, self.modulus)
        held = self._held[arg.index]
        return constant(torch.zeros_like(held) if self._zeros else held, self.modulus)


class PairCall(Arguments):
    """An operation whose tensors are pairs.

    Attributes:
        primes: the primes of the point.
        renewed: whether tensors get new exponents from their values (``interpret.run_residues``).
    """

    def __init__(
        self,
        node: Node,
        primes: Primes,
        found: Callable[[Value], Pair],
        held: Mapping[int, Tensor],
        branch: Tensor | None,
        renewed: bool = False,
    ) -> None:
        super().__init__(node, held, branch)
        self.primes, self.renewed, self._found = primes, renewed, found

    def pair(self, name: str) -> Pair:
        """Return a tensor or a number among the arguments as a pair."""
        return self.read(self._bound[name])

    def read(self, arg: Any) -> Pair:
        """Return a tensor or a number as a pair."""
        if not isinstance(arg, Value):
            return self.number(arg)
        if arg.dtype.is_floating_point:
            return self._found(arg)
        return self.held(self._held[arg.index])

    def output(self, number: int) -> Tensor:
        """Return an output of whole numbers or truth values, as the float run had it."""
        value = self.node.outputs[number]
        assert value is not None
        return self._held[value.index]

    def held(self, tensor: Tensor) -> Pair:
        """Return the numbers that a tensor of the float run holds, exactly."""
        return Pair(constant(tensor, self.primes.p), constant(tensor, self.primes.q))

    @property
    def whole_numbers(self) -> Pair:
        """What a rule returns for an output of whole numbers, which the float run decides."""
        lost = Lost("whole numbers")
        return Pair(lost, lost)

    def number(self, value: float) -> Pair:
        """Return a number of Python, exactly."""
        return Pair(number(value, self.primes.p), number(value, self.primes.q))

    def whole(self, arg: Any, times: int = 1) -> int | None:
        """Return the whole number that all entries of an argument are, after a product with ``times``.

        None: they are not all the same whole number, or the number is great.
        """
        if isinstance(arg, Value):
            held = self._held.get(arg.index) if arg.known else None
            if held is None or not held.numel() or (held != held.flatten()[0]).any():
                return None
            arg = held.flatten()[0].item()
        arg = arg * times
        return int(arg) if abs(arg) <= MOST and arg == int(arg) else None


class ComplexCall(PairCall):
    """An operation that takes or returns complex tensors."""

    def __init__(
        self,
        node: Node,
        primes: Primes,
        found: Callable[[Value], Pair | Complex | Spectrum],
        held: Mapping[int, Tensor],
    ) -> None:
        def real(value: Value) -> Pair:
            each = found(value)
            if isinstance(each, Spectrum):
                raise Undecided("takes a Fourier transform")
            return each.real if isinstance(each, Complex) else each

        super().__init__(node, primes, real, held, None)
        self._each = found

    def is_spectrum(self, value: Value) -> bool:
        """Whether a tensor is a Fourier transform."""
        return isinstance(self._each(value), Spectrum)

    def spectrum(self, name: str) -> Spectrum:
        """Return a Fourier transform among the arguments.

        Raises:
            Undecided: the tensor is none.
            Before: the transform is lost.
        """
        found = self._each(self[name])
        if isinstance(found, Pair) and isinstance(found.value, Lost):
            raise Before(found.value)
        if not isinstance(found, Spectrum):
            raise Undecided("transforms other complex numbers back")
        return found

    def complex(self, name: str) -> Complex:
        """Return a tensor or a number among the arguments as a complex tensor."""
        return self.read_complex(self[name])

    def read_complex(self, arg: Any) -> Complex:
        """Return a tensor or a number as a complex tensor."""
        if isinstance(arg, complex):
            return Complex(self.number(arg.real), self.number(arg.imag))
        if isinstance(arg, Value) and (arg.dtype.is_complex or arg.dtype.is_floating_point):
            found = self._each(arg)
            if isinstance(found, Spectrum):
                raise Undecided("takes a Fourier transform")
            return found if isinstance(found, Complex) else Complex(found, moved(found, torch.zeros_like))
        own = self.read(arg)
        return Complex(own, moved(own, torch.zeros_like))


def bound(node: Node) -> dict[str, Any]:
    """Return the arguments of an operation by name, with defaults."""
    found = {}
    for position, argument in enumerate(node.op._schema.arguments):
        if position < len(node.args):
            found[argument.name] = node.args[position]
        else:
            found[argument.name] = node.kwargs.get(argument.name, argument.default_value)
    return found


def draws(node: Node) -> bool:
    """Whether an operation draws random numbers; PyTorch says so of attention even without dropout."""
    return node.random and bound(node).get("dropout_p") != 0.0


def packet(node: Node) -> str:
    """Return the name of an ATen operation without its overload; empty for other operations."""
    op = node.op
    return (
        str(op.overloadpacket.__name__)
        if isinstance(op, torch._ops.OpOverload) and (op.namespace == "aten")
        else ""
    )
