"""What a check runs: the caller's function, turned into a function from one tensor to one tensor."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from scanproof.errors import InvalidArgument
from scanproof.foundation.alignment import SAME, Alignment, Order
from scanproof.foundation.contract import Axes, check_axis_numbers, check_input, check_output
from scanproof.foundation.documents import Document, Documents, of_documents
from scanproof.foundation.packing import Inputs, Packing
from scanproof.foundation.selection import Selector, check_selector, select


@dataclass(frozen=True)
class Subject:
    """A function and an input: as the caller gave them, and as a function from one tensor to one tensor.

    Attributes:
        check: name of the check, for messages.
        given: the caller's function.
        x: the input, detached; several inputs are packed into one.
        axes: the axes of positions and examples in ``x`` and in the output.
        alignment: which inputs each output may read.
        output: which of several outputs is checked.
        kwargs: keyword arguments of the function.
        packing: how several inputs are packed into ``x``; None for one input.
        documents: the documents of packed rows that are the examples; empty where examples are rows.
    """

    check: str
    given: Callable[..., Any]
    x: Tensor
    axes: Axes
    alignment: Alignment = SAME
    output: Selector | None = None
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    packing: Packing | None = None
    documents: tuple[Document, ...] = ()

    @classmethod
    def of(
        cls,
        check: str,
        fn: Callable[..., Any],
        x: Inputs,
        axes: Axes,
        *,
        alignment: Alignment,
        output: Selector | None,
        kwargs: Mapping[str, Any] | None,
        token_ids: bool = False,
    ) -> "Subject":
        """Check the arguments that all checks share, and return what they describe.

        Raises:
            InvalidArgument: an argument is wrong.
        """
        if not isinstance(alignment, Alignment):
            raise InvalidArgument(
                f"{check}: alignment must be an Alignment, for example Alignment.patches(4) or "
                f"Alignment.explicit(reach), got {alignment!r}."
            )
        check_selector(check, output)
        if not (kwargs is None or isinstance(kwargs, Mapping)):
            raise InvalidArgument(
                f"{check}: kwargs must map names to arguments of fn, got {type(kwargs).__name__}."
            )
        packing = None
        if isinstance(x, Mapping | Sequence):
            check_axis_numbers(check, axes)
            packing = Packing.of(check, x, axes)
            if shared := sorted(set(packing.keys or ()) & set(kwargs or ())):
                raise InvalidArgument(f"{check}: {shared[0]} is in x and in kwargs=; pass it once.")
            x = packing.pack(x)
        check_input(check, fn, x, axes, token_ids=token_ids)
        return cls(check, fn, x.detach(), axes, alignment, output, dict(kwargs or {}), packing)

    def __call__(self, x: Tensor) -> Any:
        """Call the function on an input like ``x``, and return the output that is checked."""
        if self.packing is None:
            y = self.given(x, **self.kwargs)
        elif self.packing.keys is None:
            y = self.given(*self.packing.unpack(x), **self.kwargs)
        else:
            y = self.given(**dict(zip(self.packing.keys, self.packing.unpack(x), strict=True)), **self.kwargs)
        return select(self.check, y, self.output)

    def checked(self, y: Any, x: Tensor, call: str = "fn(x)") -> Tensor:
        """Return ``y`` when it is a tensor whose positions and examples match those of ``x``.

        Raises:
            InvalidArgument: ``y`` is something else; ``call`` names what returned it.
        """
        return check_output(self.check, y, x, self.axes, call, self.alignment)

    def at(self, x: Tensor) -> "Subject":
        """Return the same function at another input."""
        return replace(self, x=x)

    def by_document(self, documents: Tensor) -> "Subject":
        """Return the same function with every document of packed rows as an example.

        Raises:
            InvalidArgument: the documents do not fit the input, or outputs have other positions.
        """
        if self.alignment != SAME:
            raise InvalidArgument(f"{self.check}: documents= needs outputs at the positions of the inputs.")
        if self.axes.batch is None:
            raise InvalidArgument(
                f"{self.check}: documents= needs an axis of examples: batch_dim=, and batch_check=True."
            )
        layout = Documents.of(self.check, documents, self.x, self.axes)
        names = (self.packing.keys if self.packing else None) or ()
        given = of_documents(self.check, self.given, self.x, layout, names, self.output)
        return replace(self, given=given, x=layout.split(self.x), output=None, documents=layout.list())

    def order(self, y: Tensor) -> Order:
        """Return the order that the alignment gives the positions of ``x`` and of the output ``y``.

        Raises:
            InvalidArgument: every output may read every input, or an explicit alignment does not fit.
        """
        T, outputs = self.x.shape[self.axes.seq], y.shape[self.axes.seq]
        try:
            order = self.alignment.order(outputs, T)
        except InvalidArgument as error:
            raise InvalidArgument(f"{self.check}: {error}") from None
        if not len(order.cuts):
            raise InvalidArgument(
                f"{self.check}: {self.alignment!r} lets every output read all {T} inputs, so there can be "
                "no leak; pass more positions or another alignment."
            )
        return order

    def place(self, index: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        """Return the name of the input that holds an entry of ``x``, and the entry's index there."""
        return ("x", index) if self.packing is None else self.packing.place(index)

    def swaps(self, x: Tensor, other: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield the name of each of several inputs, and ``x`` with only that input taken from ``other``."""
        yield from () if self.packing is None else self.packing.swaps(x, other)

    def restore(self, x: Tensor) -> Inputs:
        """Return an input in the form in which a call passes it."""
        return x if self.packing is None else self.packing.restore(x)
