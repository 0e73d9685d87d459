"""A recorded function in a file, so that another release of a library can be compared with it.

A file holds text that describes the program, and its tensors. ``torch.load(weights_only=True)`` reads the
file, so no code runs.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from scanproof.errors import InvalidArgument
from scanproof.programs.compare import compared
from scanproof.programs.places import Place, held_parameters
from scanproof.programs.program import Departure, Node, Program, Value
from scanproof.programs.record import record
from scanproof.report.record import environment
from scanproof.same.given import Given

FORMAT = 1
"""The number of the format of files."""

_NAMED = {
    "dtype": torch.dtype,
    "layout": torch.layout,
    "memory_format": torch.memory_format,
}
"""Objects of PyTorch that are written by their names."""


@dataclass(frozen=True)
class Recording:
    """What a function computes at an input.

    Attributes:
        program: the recorded program.
        given: the input.
        parameters: the parameters of the function by name.
        versions: the versions with which the function was recorded, such as ``torch``.
        path: the file.
        gradients: the names of the parameters at which gradients were recorded.
    """

    program: Program
    given: Given
    parameters: Mapping[str, Tensor]
    versions: Mapping[str, str]
    path: str
    gradients: tuple[str, ...] = ()

    @property
    def x(self) -> Any:
        """The input as a check takes it."""
        return self.given.x

    def __repr__(self) -> str:
        return f"<recording {self}>"

    def __str__(self) -> str:
        packages = (f"{name} {version}" for name, version in self.versions.items())
        return f"with {', '.join(packages)}"


def save_recording(
    fn: Callable[..., Any], x: Any, path: str | Path, *, gradients: bool = False, seed: int = 0
) -> Recording:
    """Record a function, and write the recording into a file, such as before a library is updated.

    Args:
        fn: a function or a module.
        x: the input: a tensor, a tuple of inputs, or a mapping of inputs by name.
        path: the file; an existing file is replaced.
        gradients: also record the gradients at floating inputs and at the parameters.
        seed: the seed of the cotangents.

    Returns:
        The recording, as :func:`load_recording` returns it.

    Raises:
        InvalidArgument: the function cannot be recorded or written: it runs operations that PyTorch does not
            show, or takes objects that are neither tensors nor numbers; or the file cannot be written.
        NothingEstablished: the function raised.
    """
    given = Given.of(x)
    if gradients:
        given = given.with_cotangents(fn, seed)
    parameters = held_parameters(fn)
    at = {name: each for name, each in parameters.items() if gradients and each.requires_grad}
    run, (args, kwargs) = given.function(fn, at), given.recorded()
    program = record(run, *args, **kwargs)
    executed = compared(program, run, args, kwargs)
    if not executed.same:
        raise InvalidArgument(f"save_recording: the recorded program is not the function: {executed.reason}.")
    if program.memory_read:
        raise InvalidArgument(
            f"save_recording: the function cannot be written: {program.memory_read}; call contiguous() first."
        )
    recording = Recording(program, given, parameters, _versions(), str(path), tuple(at))
    writer = _Writer()
    text = json.dumps({"format": FORMAT, **writer.recording(recording)})
    part = Path(path).with_name(Path(path).name + ".part")
    try:
        with part.open("wb") as file:
            torch.save({"text": text, "tensors": writer.tensors}, file)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InvalidArgument(
            f"save_recording: {path} cannot be written ({error.strerror}); give another file."
        ) from error
    return recording


def load_recording(path: str | Path) -> Recording:
    """Read a file that :func:`save_recording` has written.

    Raises:
        InvalidArgument: the file does not exist, is no recording, or runs an operation that this PyTorch does
            not have.
    """
    try:
        content = torch.load(path, weights_only=True)
        described = json.loads(content["text"])
        known = described["format"] == FORMAT
    except Exception as error:  # PyTorch and zipfile raise this or that
        raise InvalidArgument(
            f"load_recording: {path} is no recording ({type(error).__name__}); make one with save_recording."
        ) from error
    if not known:
        raise InvalidArgument(
            f"load_recording: {path} has format {described['format']}, this release reads {FORMAT}; "
            "make the recording anew."
        )
    try:
        return _Reader(content["tensors"], str(path)).recording(described)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise InvalidArgument(
            f"load_recording: {path} is damaged ({type(error).__name__}: {error}); make the recording anew."
        ) from error


def _on_tensors(namespace: str, name: str) -> bool:
    """Whether an operator computes with tensors alone: a file must not open others, or run other code."""
    return namespace == "aten" and name not in ("from_file", "save")


def _versions() -> dict[str, str]:
    return {name: version for name, version in environment().items() if version and name != "platform"}


class _Writer:
    """Turns a recording into lists, numbers and texts; tensors are put aside."""

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []

    def recording(self, recording: Recording) -> dict[str, Any]:
        program, given = recording.program, recording.given
        used = program.used
        return {
            "versions": dict(recording.versions),
            "gradients": list(recording.gradients),
            "given": self._tree([given.args, given.kwargs, given.cotangents]),
            "values": [self._value(value) for value in program.values],
            "inputs": [value.index for value in program.inputs],
            "nodes": [self._node(node) for node in used],
            "outputs": {path: value.index for path, value in program.outputs.items()},
            "results": {path: self._tensor(result) for path, result in program.results.items()},
            "departures": [
                [each.value.index, each.kind, each.steers, str(each.place)] for each in program.departures
            ],
            "parameters": {
                name: value.index
                for value in program.values
                for name, parameter in recording.parameters.items()
                if value.tensor is parameter
            },
        }

    def _tensor(self, tensor: Tensor) -> int:
        self.tensors.append(tensor.detach().clone())
        return len(self.tensors) - 1

    def _value(self, value: Value) -> list[Any]:
        held = None if value.tensor is None else self._tensor(value.tensor)
        kept = isinstance(value.tensor, nn.Parameter)
        flags = [value.varies, value.known, kept]
        return [list(value.shape), self._tree(value.dtype), value.source, flags, held, value.name]

    def _node(self, node: Node) -> list[Any]:
        if not isinstance(node.op, torch._ops.OpOverload) or not _on_tensors(
            node.op.namespace, node.op._opname
        ):
            raise InvalidArgument(
                f"save_recording: {node.name} cannot be written; a file holds operators of ATen alone."
            )
        outputs = [None if value is None else value.index for value in node.outputs]
        flags = [node.single, node.known, node.takes_numbers, node.random]
        args, kwargs = self._tree(list(node.args)), self._tree(node.kwargs)
        name = [node.op.namespace, node.op._opname, node.op._overloadname]
        reads = [value.index for value in node.reads]
        return [name, args, kwargs, reads, outputs, flags, list(node.writes), str(node.place)]

    def _tree(self, thing: Any) -> Any:
        if thing is None or isinstance(thing, bool | int | str):
            return thing
        if isinstance(thing, float | complex):
            return {"number": str(thing), "complex": isinstance(thing, complex)}
        if isinstance(thing, Value):
            return {"value": thing.index}
        if isinstance(thing, Tensor):
            return {"tensor": self._tensor(thing)}
        if isinstance(thing, torch.device):
            return {"device": str(thing)}
        for kind, type_ in _NAMED.items():
            if isinstance(thing, type_):
                return {kind: str(thing).removeprefix("torch.")}
        if isinstance(thing, list | tuple):
            return {"tuple" if isinstance(thing, tuple) else "list": [self._tree(each) for each in thing]}
        if isinstance(thing, Mapping):
            return {"dict": [[key, self._tree(each)] for key, each in thing.items()]}
        raise InvalidArgument(
            f"save_recording: a {type(thing).__name__} cannot be written; give tensors, numbers, texts, "
            "tuples, lists and dictionaries."
        )


class _Reader:
    """Turns the lists of a file into a recording."""

    def __init__(self, tensors: Sequence[Tensor], path: str) -> None:
        self._tensors, self._path = tensors, path
        self._values: list[Value] = []

    def recording(self, told: Mapping[str, Any]) -> Recording:
        self._values = [self._value(index, each) for index, each in enumerate(told["values"])]
        at = self._values
        args, kwargs, cotangents = self._tree(told["given"])
        program = Program(
            inputs=tuple(at[index] for index in told["inputs"]),
            nodes=[self._node(each) for each in told["nodes"]],
            values=at,
            outputs={path: at[index] for path, index in told["outputs"].items()},
            departures=[
                Departure(at[index], 0, Place(place, None, 0), kind, steers)
                for index, kind, steers, place in told["departures"]
            ],
            results={path: self._tensors[number] for path, number in told["results"].items()},
            written=[],
        )
        parameters = {name: at[index].tensor for name, index in told["parameters"].items()}
        return Recording(
            program,
            Given(args, kwargs, cotangents),
            {name: tensor for name, tensor in parameters.items() if tensor is not None},
            told["versions"],
            self._path,
            tuple(told["gradients"]),
        )

    def _value(self, index: int, told: list[Any]) -> Value:
        shape, dtype, source, (varies, known, kept), held, name = told
        tensor = None if held is None else self._tensors[held]
        if tensor is not None and kept:
            tensor = nn.Parameter(tensor, requires_grad=False)
        return Value(index, tuple(shape), self._tree(dtype), source, varies, known, tensor, name)

    def _node(self, told: list[Any]) -> Node:
        (namespace, name, overload), args, kwargs, reads, outputs, flags, writes, place = told
        single, known, takes_numbers, random = flags
        if not _on_tensors(namespace, name):
            raise InvalidArgument(
                f"load_recording: {self._path} runs {namespace}.{name}, which no recording may run."
            )
        packet = getattr(getattr(torch.ops, namespace), name, None)
        op = getattr(packet, overload, None)
        if op is None:
            raise InvalidArgument(
                f"load_recording: {self._path} runs {namespace}.{name}.{overload}, which this PyTorch does "
                "not have; make the recording anew."
            )
        return Node(
            op,
            tuple(self._tree(args)),
            self._tree(kwargs),
            [self._values[index] for index in reads],
            [None if index is None else self._values[index] for index in outputs],
            single,
            Place(place, None, 0),
            known,
            tuple(writes),
            takes_numbers,
            random,
        )

    def _tree(self, told: Any) -> Any:
        if not isinstance(told, dict):
            return told
        (kind, inner), *rest = told.items()
        if kind == "number":
            return complex(inner) if rest[0][1] else float(inner)
        if kind in ("list", "tuple"):
            return (tuple if kind == "tuple" else list)(self._tree(each) for each in inner)
        if kind == "dict":
            return {key: self._tree(each) for key, each in inner}
        if kind in _NAMED:
            return getattr(torch, inner)
        if kind == "device":
            return torch.device(inner)
        return self._values[inner] if kind == "value" else self._tensors[inner]
