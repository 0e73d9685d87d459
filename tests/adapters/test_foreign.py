"""Functions of NumPy arrays as subjects of every check: right ones pass, and planted faults are found."""

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from typer.testing import CliRunner

from scanproof import (
    InvalidArgument,
    MinGru,
    Verdict,
    audit,
    certify,
    check_batch,
    check_perturbation,
    check_prefix,
    check_refinement,
    check_streaming,
)
from scanproof.adapters.foreign import foreign
from scanproof.adapters.foreign.operation import _bodies
from scanproof.cli.app import app
from scanproof.programs.statements import register_operation
from scanproof.programs.table import REGISTERED
from scanproof.refinement.kernels.cases import random_inputs

Array = NDArray[Any]
CHUNK = 8


def sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, np.ones_like(x)) / (1 + small)


def states(gate: Array, candidate: Array, initial_state: Array | None) -> Array:
    z = sigmoid(gate)
    found = [np.zeros_like(gate[:, 0]) if initial_state is None else initial_state]
    for t in range(gate.shape[1]):
        found.append((1 - z[:, t]) * found[-1] + z[:, t] * candidate[:, t])
    return np.stack(found, 1)


def gru(gate: Array, candidate: Array, initial_state: Array | None = None) -> tuple[Array, Array]:
    found = states(gate, candidate, initial_state)
    return found[:, 1:], found[:, -1]


def gru_vjp(inputs: dict[str, Any], cotangents: Any) -> dict[str, Any]:
    gate, candidate, initial_state = (inputs[name] for name in ("gate", "candidate", "initial_state"))
    (dy, carried), h, z = cotangents, states(gate, candidate, initial_state), sigmoid(gate)
    gradients = {"gate": np.empty_like(gate), "candidate": np.empty_like(gate)}
    for t in reversed(range(gate.shape[1])):
        carried = carried + dy[:, t]
        gradients["gate"][:, t] = carried * (candidate[:, t] - h[:, t]) * z[:, t] * (1 - z[:, t])
        gradients["candidate"][:, t] = carried * z[:, t]
        carried = carried * (1 - z[:, t])
    return gradients if initial_state is None else {**gradients, "initial_state": carried}


def fault(change: Callable[[Array, Array], Any]) -> Callable[..., tuple[Array, Array]]:
    """Return the recurrence with a change made to its outputs, which also sees the candidates."""

    def wrong(gate: Array, candidate: Array, initial_state: Array | None = None) -> tuple[Array, Array]:
        y, last = gru(gate, candidate, initial_state)
        y = np.ascontiguousarray(y)
        change(y, candidate)
        return y, last

    return wrong


def off_by_one(y: Array, candidate: Array) -> None:
    y[:, 1:] = y[:, :-1].copy()


def wrong_by_1e_4(y: Array, candidate: Array) -> None:
    y *= np.asarray(1 + 1e-4, y.dtype)


def leak_at_ends_of_blocks(y: Array, candidate: Array) -> None:
    ends = np.arange(CHUNK - 1, y.shape[1] - 1, CHUNK)
    y[:, ends] += np.asarray(1e-5, y.dtype) * candidate[:, ends + 1]


def two_inputs() -> dict[str, Tensor]:
    return random_inputs(MinGru(), seed=0, without=frozenset({"initial_state"}))


right = foreign(gru, gru_vjp)


def test_a_right_function_passes_every_check() -> None:
    x = two_inputs()
    certificate = certify(right, x, output=0)
    assert certificate.verdict is Verdict.CAUSAL, certificate.summary()
    assert certificate.temporal.residue == 0.0
    for check in (check_prefix, check_perturbation, check_batch):
        assert check(right, x, output=0).verdict.passed
    for gradients in (False, True):
        report = check_refinement(right, MinGru(), random_inputs(MinGru(), seed=0), gradients=gradients)
        assert report.verdict is Verdict.REFINES, report.summary()
        assert check_refinement(right, MinGru(), cases=20, gradients=gradients).verdict is Verdict.REFINES
    audited = audit(right, x, spec=MinGru())
    assert audited.verdict.passed, audited.summary()


@pytest.mark.parametrize("change", [off_by_one, wrong_by_1e_4, leak_at_ends_of_blocks])
def test_outputs_with_a_planted_fault_are_refuted(change: Callable[[Array, Array], Any]) -> None:
    x = random_inputs(MinGru(), seed=0)
    report = check_refinement(foreign(fault(change)), MinGru(), x)
    assert report.verdict is Verdict.REFUTED, report.summary()


def test_a_leak_at_the_ends_of_blocks_is_found_at_them() -> None:
    x, leaking = two_inputs(), foreign(fault(leak_at_ends_of_blocks))
    for report in (check_perturbation(leaking, x, output=0), check_prefix(leaking, x, output=0)):
        assert report.verdict is Verdict.LEAK, report.summary()
        assert report.worst is not None
        assert report.worst.t % CHUNK == CHUNK - 1


def test_a_leak_in_gradients_is_found_by_the_certificate() -> None:
    def vjp(inputs: dict[str, Any], cotangents: Any) -> dict[str, Any]:
        gradients = gru_vjp(inputs, cotangents)
        ends = np.arange(CHUNK - 1, 36, CHUNK)
        gradients["candidate"][:, ends + 1] += np.float64(1e-5).astype(np.float32) * cotangents[0][:, ends]
        return gradients

    report = certify(foreign(fault(leak_at_ends_of_blocks), vjp), two_inputs(), output=0)
    assert report.verdict is Verdict.LEAK, report.summary()


@pytest.mark.parametrize("name", ["gate", "candidate", "initial_state"])
def test_a_dropped_gradient_is_refuted_at_its_argument(name: str) -> None:
    dropped = foreign(gru, lambda inputs, cotangents: {**gru_vjp(inputs, cotangents), name: None})
    report = check_refinement(dropped, MinGru(), random_inputs(MinGru(), seed=0), gradients=True)
    assert report.verdict is Verdict.REFUTED, report.summary()
    assert report.worst is not None
    assert report.worst.output == f"d{name}"


def test_a_gradient_that_ignores_the_last_state_is_refuted() -> None:
    def vjp(inputs: dict[str, Any], cotangents: Any) -> dict[str, Any]:
        return gru_vjp(inputs, (cotangents[0], np.zeros_like(cotangents[1])))

    report = check_refinement(foreign(gru, vjp), MinGru(), random_inputs(MinGru(), seed=0), gradients=True)
    assert report.verdict is Verdict.REFUTED, report.summary()


def test_drawn_cases_find_a_fault_beyond_the_first_block() -> None:
    def change(y: Array, candidate: Array) -> None:
        y[:, CHUNK:] *= np.asarray(1 + 1e-4, y.dtype)

    report = check_refinement(foreign(fault(change)), MinGru(), cases=100)
    assert report.verdict is Verdict.REFUTED
    assert report.smallest is not None
    assert report.smallest.inputs["gate"].shape[1] == CHUNK + 1


def test_the_command_draws_cases_for_functions_of_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "".join(inspect.getsource(function) for function in (sigmoid, states, gru))
    (tmp_path / "my_arrays.py").write_text(
        "from __future__ import annotations\nimport numpy as np\n"
        f"from scanproof.adapters.foreign import foreign\n{source}"
        "def off(**x):\n    y, last = gru(**x)\n    return y * np.float32(1 + 1e-4), last\n"
        "right, wrong = foreign(gru), foreign(off)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for name, code in (("right", 0), ("wrong", 1)):
        command = ["fuzz", f"my_arrays:{name}", "--spec", "MinGru()", "--cases", "20"]
        done = CliRunner().invoke(app, command)
        assert done.exit_code == code, done.output
    sys.modules.pop("my_arrays", None)


class Decoder:
    """A model whose pass and whose steps are functions of arrays."""

    def __init__(self, decay: float) -> None:
        self._pass, self._step = foreign(self._run), foreign(self._one)
        self._decay = decay

    @staticmethod
    def _run(x: Array) -> Array:
        y = x.copy()
        for t in range(1, x.shape[1]):
            y[:, t] += y.dtype.type(0.5) * y[:, t - 1]
        return y

    def _one(self, x: Array, state: tuple[Array, int]) -> tuple[Array, tuple[Array, int]]:
        h, count = state
        h = x[:, 0] + x.dtype.type(self._decay) * h
        return h[:, None], (h, count + 1)

    def __call__(self, x: Tensor) -> Tensor:
        y: Tensor = self._pass(x)
        return y

    def initial_state(self, x: Tensor) -> tuple[Tensor, int]:
        return torch.zeros_like(x[:, 0]), 0

    def step(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        y, state = self._step(x, state)
        return y, state


def test_steps_are_compared_with_the_whole_pass(rng: torch.Generator) -> None:
    x = torch.randn(2, 12, 3, generator=rng)
    assert check_streaming(Decoder(0.5), x).verdict.passed
    assert not check_streaming(Decoder(0.5 + 1e-4), x).verdict.passed


def test_without_a_vjp_checks_of_gradients_say_that_there_is_none() -> None:
    x = two_inputs()
    certificate = certify(foreign(gru), x, output=0)
    assert certificate.verdict is Verdict.INCONCLUSIVE
    assert "no gradient" in certificate.reason
    report = check_refinement(foreign(gru), MinGru(), x, gradients=True)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "no gradient" in report.reason
    audited = audit(foreign(gru), x, spec=MinGru())
    assert not audited.verdict.found


def test_a_reading_says_that_it_cannot_look_into_the_function() -> None:
    report = certify(right, two_inputs(), output=0)
    assert report.reading is not None
    assert report.reading.given.reading is not None
    assert report.reading.given.reading.unknown == (("foreign.gru.default", 1),)
    assert not report.reading.established
    assert report.temporal.probes > 0


def test_a_statement_about_the_function_lets_it_be_read() -> None:
    before = dict(REGISTERED)
    try:
        register_operation("foreign::total", "b <=t d -> b t d")

        def total(x: Array) -> Array:
            return x.cumsum(1)

        report = certify(foreign(total), torch.randn(2, 9, 3))
        assert report.verdict is Verdict.CAUSAL
        assert report.vjps == 0
    finally:
        REGISTERED.clear()
        REGISTERED.update(before)


def test_torch_around_the_function_is_read(rng: torch.Generator) -> None:
    """What PyTorch does with the results is read, and differentiated, as usual."""
    double = foreign(lambda x: 2 * x, lambda inputs, dy: 2 * dy)

    def model(x: Tensor) -> Tensor:
        return double(x.tanh()).cumsum(1)

    x = torch.randn(2, 5, 3, generator=rng)
    assert torch.autograd.gradcheck(model, x.double().requires_grad_())
    assert certify(model, x).verdict is Verdict.CAUSAL


@pytest.mark.parametrize("arrays", ["numpy", "dlpack"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64, torch.int64, torch.bool])
def test_numbers_arrive_and_return_unchanged(arrays: Any, dtype: torch.dtype, rng: torch.Generator) -> None:
    x = (4 * torch.randn(3, 4, generator=rng)).to(dtype).T
    seen: list[Any] = []

    def noted(x: Any) -> Any:
        seen.append(x)
        return x

    same = foreign(noted, arrays=arrays)
    y = same(x)
    assert isinstance(seen[0], np.ndarray if arrays == "numpy" else Tensor)
    assert y.dtype is dtype
    assert torch.equal(x, y)
    assert y.data_ptr() != x.data_ptr()


def test_bfloat16_goes_over_dlpack_and_needs_ml_dtypes_in_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(2, 9, 3).bfloat16()
    assert torch.equal(foreign(lambda x: x, arrays="dlpack")(x), x)
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(InvalidArgument, match="NumPy has no bfloat16; install ml_dtypes"):
        foreign(lambda x: x)(x)


def test_a_function_may_write_into_its_arrays_and_return_one_buffer_twice() -> None:
    buffer = np.zeros((1, 3), np.float32)

    def fill(x: Array) -> Array:
        x += 1
        buffer[:] = x
        return buffer

    x = torch.zeros(1, 3)
    first, second = foreign(fill)(x), foreign(fill)(x + 5)
    assert torch.equal(x, torch.zeros(1, 3))
    assert torch.equal(first + 5, second)


def test_arguments_and_results_keep_their_form() -> None:
    def mixed(x: Array, *rest: Array, state: dict[str, Array], scale: float = 2.0, **more: Any) -> Any:
        return {"y": scale * x, "rest": [rest[1], None], "n": int(state["h"].size), "sign": x > 0}

    def vjp(inputs: dict[str, Any], cotangents: Any) -> dict[str, Any]:
        assert set(inputs) == {"x", "rest", "state", "scale", "bias"}
        assert cotangents["sign"] is None
        assert cotangents["n"] is None
        rest = (None, cotangents["rest"][0])
        return {"x": inputs["scale"] * cotangents["y"], "rest": rest, "state": {"h": None}, "bias": None}

    x, h, bias = (torch.randn(2, 3, requires_grad=True) for _ in range(3))
    rest = (torch.randn(4, requires_grad=True), torch.randn(5, requires_grad=True))
    found = foreign(mixed, vjp)(x, *rest, state={"h": h}, bias=bias)
    assert found["n"] == 6
    assert found["rest"][1] is None
    assert not found["sign"].requires_grad
    (found["y"].sum() + found["rest"][0].sum()).backward()
    gradients: list[Any] = [tensor.grad for tensor in (x, rest[1], rest[0], h)]
    assert torch.equal(gradients[0], torch.full((2, 3), 2.0))
    assert torch.equal(gradients[1], torch.ones(5))
    assert not gradients[2].any()
    assert not gradients[3].any()


def run_backward(vjp: Any, fn: Any = lambda x, w: x * w) -> None:
    x, w = (torch.randn(2, 3, requires_grad=True) for _ in range(2))
    foreign(fn, vjp)(x, w).sum().backward()


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda x: {"x": x}, r"no gradient of w; return one, or None for w"),
        (lambda x: {"x": x, "w": x, "v": x}, r"a gradient of v, which is no argument"),
        (
            lambda x: {"x": x[:1], "w": x},
            r"float32 of shape \(1, 3\); return an array in float32 of shape \(2, 3\)",
        ),
        (lambda x: {"x": x.astype(np.float16), "w": x}, r"a gradient in float16"),
        (lambda x: {"x": x, "w": [x]}, r"a gradient of w of another form than w"),
        (lambda x: {"x": x, "w": 1.0}, r"a gradient that is a float"),
        (lambda x: x, r"returned a ndarray; return a dict of gradients by the names x, w"),
    ],
)
def test_a_gradient_that_does_not_fit_is_named(returned: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        run_backward(lambda inputs, dy: returned(inputs["x"]))


WRONG: tuple[Any, ...] = (3, "vjp", "jax")


def test_gradients_in_a_wider_dtype_are_rounded() -> None:
    run_backward(lambda inputs, dy: {name: dy.astype(np.float64) for name in inputs})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: foreign(WRONG[0]), "fn must be a function, got int"),
        (lambda: foreign(gru, WRONG[1]), "vjp must be a function, got str"),
        (lambda: foreign(gru, arrays=WRONG[2]), "arrays must be one of 'numpy', 'dlpack', got 'jax'"),
        (lambda: foreign(max, gru_vjp), "have no names that Python can read"),
        (lambda: foreign(gru)(1, 2), "gru got no tensor; pass at least one"),
        (lambda: foreign(lambda x: x.astype(object))(torch.ones(2)), "dtype object, which PyTorch does not"),
    ],
)
def test_a_wrong_call_says_what_to_do(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        call()


def test_functions_that_no_longer_exist_are_forgotten() -> None:
    before = len(_bodies)
    once = foreign(lambda x, scale: x * scale)
    for scale in (2.0, 3.0, 3.0):
        assert torch.equal(once(torch.ones(2), scale), torch.full((2,), scale))
    assert len(_bodies) == before + 2
    del once
    assert len(_bodies) == before
