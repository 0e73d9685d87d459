"""A client of the oracle, the processes that execute the Lean runners.

The oracle answers one line per request (``Spec/Oracle.lean`` documents the protocol). Numbers are sent as bit
patterns or fractions, so no precision is lost. Kernels run in a process of their own, which the first of them
starts (``Spec/Oracle/Kernels.lean``).
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanproof.errors import InvalidArgument
from scanproof.lean.errors import LeanUnavailable
from scanproof.lean.process import LeanProcess, start_program
from scanproof.lean.progress import ShowStep, silent
from scanproof.refinement.checkpoint import MambaCheckpoint
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.kernels.requests import kernel_runs
from scanproof.refinement.program_answer import ProgramAnswer
from scanproof.refinement.runners import (
    DiagonalS4Spec,
    MambaBlockSpec,
    SelectiveMambaBlockSpec,
    SelectiveState,
    Spec,
)
from scanproof.refinement.words import ExactWords, FieldNumbers, FloatWords, Words

Array = NDArray[Any]

_MODELS: dict[type[Spec], tuple[str, tuple[str, ...]]] = {
    DiagonalS4Spec: ("s4", ("inputDim", "stateDim", "outputDim")),
    MambaBlockSpec: ("compact", ("inputDim", "stateDim", "outputDim")),
    SelectiveMambaBlockSpec: (
        "selective",
        ("inputDim", "innerDim", "stateDim", "outputDim", "convWidth", "dtRank"),
    ),
}


class OracleError(RuntimeError):
    """The oracle refused a request; the message says why."""


class Oracle:
    """A long-lived Lean process that runs the reference runners.

    The first run of a kernel starts a second process, which is shared by all later ones.

    Use the oracle as a context manager, or call :meth:`close`. Requests from several threads are answered one
    by one.
    """

    def __init__(self, process: LeanProcess, start_kernels: Callable[[], LeanProcess] | None = None) -> None:
        self._process = process
        self._start_kernels = start_kernels or partial(start_program, "kernels")
        self._kernels: LeanProcess | None = None
        self._closed = False
        self._lock = threading.Lock()

    @classmethod
    def start(cls, project: Path | None = None, show: ShowStep = silent) -> "Oracle":
        """Start the process of the models with the Lean found on this machine.

        Args:
            project: a folder of the Lean project; default: the working folder.
            show: shows the progress of a download.

        Raises:
            InvalidArgument: the folder is in no Lean project.
            LeanUnavailable: no usable Lean was found; the message says what to install.
        """
        return cls(start_program("oracle", project, show), partial(start_program, "kernels", project, show))

    def __enter__(self) -> "Oracle":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            self._closed = True
            self._process.close()
            if self._kernels is not None:
                self._kernels.close()

    def run(
        self,
        spec: Spec | MambaCheckpoint,
        x: Any,
        state: Any = None,
        *,
        exact: bool = False,
        words: Words | None = None,
    ) -> tuple[Any, Any]:
        """Run the Lean ``runList`` (``runListAux`` from a state with a history) on every example of a batch.

        Args:
            spec: parameters; a checkpoint is translated by Lean's ``MambaCheckpoint.toSpec``.
            x: inputs, (batch, time, inputDim).
            state: state to start from, as :meth:`Spec.run` takes it; default: zeros and an empty history.
            exact: run over the rationals with Lean's ``exactScalar`` surrogates instead of in float64.
            words: run in this scalar type instead; for residues :class:`FieldWords`, which also takes
                ``FieldNumbers`` as ``x`` and as ``state``.

        Returns:
            Outputs (batch, time, outputDim) and the final state, as float64, as ``Fraction`` objects, or as
            ``FieldNumbers``.

        Raises:
            InvalidArgument: ``x`` is not (batch, time, inputDim), or ``state`` belongs to another batch size.
            OracleError: the oracle refused the request.
            LeanUnavailable: the process has died or was closed.
        """
        model, sizes, parameters = _describe(spec)
        words = words or (ExactWords() if exact else FloatWords())
        x = x if isinstance(x, FieldNumbers) else np.asarray(x)
        if len(x.shape) != 3 or x.shape[2] != sizes[0]:
            raise InvalidArgument(
                f"x has shape {x.shape}; {model} takes (batch, time, inputDim = {sizes[0]})."
            )
        batch, time, _ = x.shape
        selective = model in ("selective", "checkpoint")
        if batch == 0:
            raise InvalidArgument("x holds no example; give a batch of at least one.")
        if state is None:
            state = _zero_state(batch, sizes, selective)
        h0, history = state if selective else (state, np.zeros((batch, 0, 0)))
        h0, history = words.encode(h0), words.encode(history)
        wanted = (batch, sizes[1], sizes[2]) if selective else (batch, sizes[1])
        if h0.shape != wanted or history.shape != (batch, *history.shape[1:2], sizes[1] if selective else 0):
            raise InvalidArgument(
                f"The state has shape {h0.shape} and a history of {history.shape}; a batch of {batch} takes"
                f" {wanted}" + (f" and (batch, entries, {sizes[1]})." if selective else ".")
            )
        sizes = (*sizes, history.shape[1], time) if selective else (*sizes, time)
        header = " ".join([words.header, model, *map(str, sizes)])
        inputs = words.encode(x)
        fixed = [words.encode(parameter) for parameter in parameters]
        outputs, states, histories = [], [], []
        for example in range(batch):
            tensors = [*fixed, h0[example], history[example], inputs[example]]
            numbers = [word for tensor in tensors for word in tensor.ravel().tolist()]
            reply = np.array(self._request(" ".join([header, *numbers])).split(), dtype=object)
            y, h, past = _split(reply, [(time, sizes[3 if selective else 2]), np.shape(h0)[1:]], sizes)
            outputs.append(y)
            states.append(h)
            histories.append(past)
        after = words.decode(np.stack(states))
        y = words.decode(np.stack(outputs))
        return y, SelectiveState(after, words.decode(np.stack(histories))) if selective else after

    def run_kernel(
        self, kernel: Kernel, inputs: Mapping[str, Any], words: Words | None = None
    ) -> dict[str, Any]:
        """Run the Lean definition of a kernel on every example of a batch, head by head.

        Args:
            kernel: the kernel with its options; a chunk size does not matter.
            inputs: arrays by name, as :meth:`Kernel.run` takes them.
            words: the scalar type; default: float64. :class:`FieldWords` also takes ``FieldNumbers``.

        Returns:
            The outputs by name, with the axes of :attr:`Kernel.outputs`.

        Raises:
            InvalidArgument: an input is missing or unknown, shapes do not fit, or Lean has no definition of
                the kernel with its options.
            OracleError: the oracle refused the request.
            LeanUnavailable: the process of the kernels does not start, has died, or was closed.
        """
        words = words or FloatWords()
        runs = kernel_runs(kernel, inputs, words)
        replies = [
            self._ask_kernels(" ".join([words.header, *request.words()])).split() for request in runs.requests
        ]
        joined = runs.joined(replies)
        return {name: words.decode(part) for name, part in zip(kernel.outputs, joined, strict=True)}

    def check_program(self, text: str) -> ProgramAnswer:
        """Ask Lean's ``Listing.check`` whether the outputs of a recorded program read only allowed inputs.

        Args:
            text: the program and the question, in the format of ``docs/reference/program-format.md``.

        Returns:
            ``established``, a statement about every input by the Lean theorem ``Listing.check_sound``; or the
            first label that is not allowed, with the path from the output back to an input.

        Raises:
            OracleError: the text is not in the format; the message says what was expected.
            LeanUnavailable: the process has died or was closed.
        """
        return ProgramAnswer.from_words(self._request(" ".join(text.split())))

    def _request(self, line: str) -> str:
        with self._lock:
            return _accepted(self._process.ask(line))

    def _ask_kernels(self, line: str) -> str:
        with self._lock:
            if self._closed:
                raise LeanUnavailable("The oracle was closed; start a new one.")
            self._kernels = self._kernels or self._start_kernels()
            return _accepted(self._kernels.ask(line))


def _accepted(reply: str) -> str:
    status, _, rest = reply.partition(" ")
    if status != "ok":
        raise OracleError(f"The Lean oracle refused the request: {rest}.")
    return rest


def _describe(spec: Spec | MambaCheckpoint) -> tuple[str, tuple[int, ...], list[Array]]:
    """Return the name of a model in the oracle, its dimensions, and its parameters in Lean's field order."""
    if isinstance(spec, MambaCheckpoint):
        inner, states = spec.A_log.shape
        inputs, outputs = spec.in_proj_weight.shape[1], spec.out_proj_weight.shape[0]
        width, rank = spec.conv1d_weight.shape[2], spec.dt_proj_weight.shape[1]

        def bias(given: Array | None, size: int) -> Array:
            return np.zeros(size) if given is None else given

        return (
            "checkpoint",
            (inputs, inner, states, outputs, width, rank),
            [
                spec.in_proj_weight,
                bias(spec.in_proj_bias, 2 * inner),
                spec.conv1d_weight,
                bias(spec.conv1d_bias, inner),
                spec.x_proj_weight,
                spec.dt_proj_weight,
                spec.dt_proj_bias,
                spec.A_log,
                spec.D,
                spec.out_proj_weight,
                bias(spec.out_proj_bias, outputs),
            ],
        )
    if type(spec) not in _MODELS:
        known = ", ".join(kind.__name__ for kind in _MODELS)
        raise InvalidArgument(f"The Lean oracle has no runner for {type(spec).__name__}; it runs {known}.")
    model, names = _MODELS[type(spec)]
    parameters = [getattr(spec, name) for name in spec.axes]
    return model, tuple(spec.dims[name] for name in names), parameters


def _zero_state(batch: int, sizes: Sequence[int], selective: bool) -> Any:
    if not selective:
        return np.zeros((batch, sizes[1]))
    return SelectiveState(np.zeros((batch, sizes[1], sizes[2])), np.zeros((batch, 0, sizes[1])))


def _split(reply: Array, shapes: Sequence[tuple[int, ...]], sizes: Sequence[int]) -> list[Array]:
    """Cut a reply into arrays of these shapes, and the history that remains."""
    parts = []
    for shape in shapes:
        volume = int(np.prod(shape))
        parts.append(reply[:volume].reshape(shape))
        reply = reply[volume:]
    return [*parts, reply.reshape(-1, sizes[1]) if len(reply) else reply.reshape(0, sizes[1])]
