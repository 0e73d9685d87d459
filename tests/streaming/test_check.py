"""A healthy kernel streams, and every way of breaking a cache that has been shipped is seen by its row."""

from typing import Any, Never

import numpy
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from scan_case import scanned
from scanproof import (
    Alignment,
    CheckFailed,
    InvalidArgument,
    StreamingReport,
    Verdict,
    audit,
    check_streaming,
    theorems,
)
from scanproof.auditing.report import AuditReport
from scanproof.streaming.model import State, StreamingModel, Unsupported
from verdicts import present

CHANNELS = 4


class Conv:
    """Three taps, a decay and a gate: a state of two kinds, written in place as caches are."""

    taps = torch.tensor([0.5, -1.0, 0.75])

    def __call__(self, x: Tensor) -> Tensor:
        return self.padded(x, torch.ones(x.shape[:2], dtype=torch.bool))[0]

    def initial_state(self, x: Tensor) -> State:
        return {"inputs": x.new_zeros(len(x), 2, x.shape[2]), "h": x.new_zeros(len(x), x.shape[2])}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return self.extend(x, state)

    def extend(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        outputs, window, h = [], state["inputs"], state["h"]
        for token in x.unbind(1):
            window = torch.cat([window[:, -2:], token[:, None]], 1)
            h = 0.9 * h + functional.silu((window * self.taps.to(x)[:, None]).sum(1))
            outputs.append(h * torch.sigmoid(token))
        with torch.no_grad():
            state["h"].copy_(h)
            state["inputs"].copy_(window[:, -2:])
        return torch.stack(outputs, 1), state

    def prefill(self, x: Tensor) -> tuple[Tensor, Any]:
        return self.extend(x, self.initial_state(x))

    def padded(self, x: Tensor, mask: Tensor) -> tuple[Tensor, State]:
        return self.extend(x * mask[..., None], self.initial_state(x))

    def packed(self, x: Tensor, lengths: list[int]) -> Tensor:
        return torch.cat([self(part) for part in x.split(lengths, 1)], 1)

    def select(self, state: State, rows: list[int]) -> State:
        return {name: tensor[rows].clone() for name, tensor in state.items()}

    def reorder(self, state: State, rows: list[int]) -> State:
        return self.select(state, rows)

    def clone(self, state: State) -> State:
        return {name: tensor.clone() for name, tensor in state.items()}


def tokens(batch: int = 3, T: int = 19, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(batch, T, CHANNELS, generator=torch.Generator().manual_seed(0)).to(dtype)


def found(model: StreamingModel, x: Tensor | None = None) -> tuple[set[str], StreamingReport]:
    report = check_streaming(model, tokens() if x is None else x)
    return {row.check for row in report.ways if row.verdict is Verdict.DIVERGES}, report


def test_a_healthy_model_streams_in_every_way_that_applies() -> None:
    wrong, report = found(Conv())
    assert not wrong
    assert report.verdict is Verdict.STREAMS, report.summary()
    (other,) = [row for row in report.ways if row.verdict is not Verdict.STREAMS]
    assert (other.check, other.verdict) == ("roll back", Verdict.NOT_APPLICABLE)
    assert other.reason == "the model offers no rollback()"
    assert all(row.comparisons for row in report.ways if row is not other)
    assert "Runner.prefill_decode" in report.summary()


def test_it_cites_the_theorems_of_what_applies() -> None:
    report = check_streaming(Plain(), tokens())
    assert report.theorems == (theorems.RUN_OF_PIECES,)
    assert set(check_streaming(Conv(), tokens()).theorems) == {
        theorems.RUN_OF_PIECES,
        theorems.PREFILL_DECODE,
        theorems.AFTER_PADDING,
        theorems.LEFT_PADDING,
        theorems.PACKED,
    }


class ForgetsOnExtend(Conv):
    def extend(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return super().extend(x, self.initial_state(x) if x.shape[1] > 1 else state)


class MixesRows(Conv):
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = self.extend(x, state)
        return y + 0.01 * (y.mean(0, keepdim=True) - y) * (len(x) > 1), state


class BroadcastsRows(Conv):
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = self.extend(x, state)
        return (y[:, None] * torch.ones_like(y)[None])[:, :, 0] if len(x) > 1 else y, state


class SharesItsState(Conv):
    def clone(self, state: State) -> State:
        return dict(state)


class IgnoresTheMask(Conv):
    def padded(self, x: Tensor, mask: Tensor) -> tuple[Tensor, State]:
        return self.extend(x, self.initial_state(x))


class SkipsTheMaskOfOne(Conv):
    def padded(self, x: Tensor, mask: Tensor) -> tuple[Tensor, State]:
        return super().padded(x, torch.ones_like(mask) if len(x) == 1 else mask)


class BiasUnderTheMask(Conv):
    def padded(self, x: Tensor, mask: Tensor) -> tuple[Tensor, State]:
        return self.extend(x * mask[..., None] + 0.1, self.initial_state(x))


class PacksWithoutReset(Conv):
    def packed(self, x: Tensor, lengths: list[int]) -> Tensor:
        return self(x)


class RollsBackOneTooFew(Conv):
    def extend(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        before = self.clone(state)
        states = [before]
        for t in range(x.shape[1]):
            _, before = super().extend(x[:, t : t + 1], self.clone(before))
            states.append(before)
        y, state = super().extend(x, state)
        self.states = states
        return y, state

    def rollback(self, state: State, count: int) -> State:
        return self.states[len(self.states) - count]


class RollsBack(RollsBackOneTooFew):
    def rollback(self, state: State, count: int) -> State:
        return self.states[len(self.states) - count - 1]


class SelectsTheWrongRow(Conv):
    def select(self, state: State, rows: list[int]) -> State:
        return super().select(state, [row - 1 for row in rows])


class SelectsHalfOfItsState(Conv):
    """Rows in another order get the inputs of others; fewer rows do not fit the inputs of all."""

    def select(self, state: State, rows: list[int]) -> State:
        return {"inputs": state["inputs"], "h": state["h"][rows].clone()}

    def reorder(self, state: State, rows: list[int]) -> State:
        return super().select(state, rows)


class ReordersNothing(Conv):
    def reorder(self, state: State, rows: list[int]) -> State:
        return state


class PrefillDropsTheWindow(Conv):
    def prefill(self, x: Tensor) -> tuple[Tensor, State]:
        y, state = super().prefill(x)
        return y, {**state, "inputs": torch.zeros_like(state["inputs"])}


class PrefillKeepsOneInput(Conv):
    """Its state has another shape than that of steps."""

    def prefill(self, x: Tensor) -> tuple[Tensor, State]:
        y, state = super().prefill(x)
        return y, {**state, "inputs": state["inputs"][:, -1:]}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        inputs = functional.pad(state["inputs"], (0, 0, 2 - state["inputs"].shape[1], 0))
        return self.extend(x, {**state, "inputs": inputs})


@pytest.mark.parametrize(
    ("model", "rows"),
    [
        (ForgetsOnExtend(), {"chunked prefill", "verify on a copy"}),
        (MixesRows(), {"batch in steps", "steps"}),
        (BroadcastsRows(), {"batch in steps", "steps"}),
        (SharesItsState(), {"copy of the state"}),
        (IgnoresTheMask(), {"garbage under the mask", "left padding", "padded, then steps"}),
        (SkipsTheMaskOfOne(), {"left padding"}),
        (PacksWithoutReset(), {"packed sequences"}),
        (RollsBackOneTooFew(), {"roll back"}),
        (SelectsTheWrongRow(), {"rows that end", "rows reordered"}),
        (SelectsHalfOfItsState(), {"rows that end"}),
        (ReordersNothing(), {"rows reordered"}),
        (PrefillDropsTheWindow(), {"prefill, then steps", "state returned"}),
        (PrefillKeepsOneInput(), {"prefill, then steps", "state returned"}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Conv) else "",
)
def test_each_fault_is_seen_by_its_row(model: StreamingModel, rows: set[str]) -> None:
    wrong, report = found(model)
    assert rows <= wrong, report.summary()
    assert report.verdict is Verdict.DIVERGES


def test_what_is_raised_after_a_finding_is_said_beside_it() -> None:
    wrong, report = found(SelectsHalfOfItsState())
    row = next(row for row in report.ways if row.check == "rows that end")
    assert wrong == {"rows that end"}
    assert present(row.worst).case == "rows in reverse order"
    assert (
        "; after that the model raised RuntimeError in Conv.extend: Sizes of tensors must match" in row.reason
    )
    assert found(ReordersNothing())[0] == {"rows reordered"}


def test_a_mask_ignored_is_not_taken_for_a_fault_of_the_cache() -> None:
    wrong, _ = found(SkipsTheMaskOfOne())
    assert wrong == {"left padding"}
    wrong, _ = found(BiasUnderTheMask())
    assert "garbage under the mask" not in wrong
    assert "left padding" in wrong


def test_a_rollback_that_works_passes() -> None:
    _, report = found(RollsBack())
    assert report.verdict is Verdict.STREAMS, report.summary()
    assert next(row for row in report.ways if row.check == "roll back").verdict is Verdict.STREAMS


class NumpyState(Conv):
    """No tensor is in its state, which holds the tokens so far."""

    def initial_state(self, x: Tensor) -> NDArray[Any]:
        return x[:, :0].numpy()

    def extend(self, x: Tensor, state: State) -> tuple[Tensor, Any]:
        seen = numpy.concatenate([state, x.numpy()], 1)
        return self(torch.from_numpy(seen))[:, -x.shape[1] :], seen

    def padded(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Any]:
        return Conv.extend(self, x * mask[..., None], Conv.initial_state(self, x))[0], None

    def clone(self, state: State) -> NDArray[Any]:
        return state.copy()

    def select(self, state: State, rows: list[int]) -> NDArray[Any]:
        return state[rows]


class EmptyOutputs(Conv):
    """A step that returns nothing, and a pass that does not, either, where it is asked of one row."""

    def packed(self, x: Tensor, lengths: list[int]) -> Tensor:
        return self(x)[:, :, :0]

    def __call__(self, x: Tensor) -> Tensor:
        y = super().__call__(x)
        return y if len(x) > 1 else y[:, :, :0]


def test_nothing_compared_is_nothing_passed() -> None:
    _, report = found(NumpyState())
    said = {row.check: (row.verdict, row.reason) for row in report.ways}
    assert said["state returned"] == (
        Verdict.NOT_APPLICABLE,
        "no tensor was found in the state; offer tensors(state)",
    )
    assert said["steps"][0] is said["copy of the state"][0] is Verdict.STREAMS
    _, report = found(EmptyOutputs())
    said = {row.check: (row.verdict, row.reason) for row in report.ways}
    assert said["packed sequences"] == (
        Verdict.INCONCLUSIVE,
        "nothing was compared: all tensors are empty",
    )


class OneTensorMore(Conv):
    def prefill(self, x: Tensor) -> tuple[Tensor, State]:
        y, state = super().prefill(x)
        return y, {**state, "more": torch.ones(1)}


def test_a_prefill_that_returns_another_kind_of_state_does_not_pass() -> None:
    _, report = found(OneTensorMore())
    row = next(row for row in report.ways if row.check == "state returned")
    assert row.verdict is Verdict.INCONCLUSIVE
    assert "number of tensors in the state after 1 tokens: shape (3,) in place of (2,)" in row.reason


class StepInLowPrecision(Conv):
    """Casts inside, in the step alone."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = self.extend(x, state)
        return y.to(self.dtype).to(x.dtype), state


class AllInLowPrecision(Conv):
    """Casts inside wherever it is fed, in the step of another number: rounding, which lifting them shows."""

    def padded(self, x: Tensor, mask: Tensor) -> tuple[Tensor, State]:
        y, state = super().padded(x, mask)
        return y.bfloat16().to(x.dtype), state

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = self.extend(x, state)
        return 3 * (y / 3).bfloat16().to(x.dtype), state


@pytest.mark.parametrize(
    ("model", "dtype", "named"),
    [
        (StepInLowPrecision(torch.float32), torch.float64, "to(float32)"),
        (AllInLowPrecision(), torch.float32, "to(bfloat16)"),
    ],
)
def test_casts_are_lifted_and_named(model: StreamingModel, dtype: torch.dtype, named: str) -> None:
    _, report = found(model, tokens(dtype=dtype))
    steps = next(row for row in report.ways if row.check == "steps")
    assert report.verdict is Verdict.STREAMS, report.summary()
    assert steps.differing == 1
    assert report.casts == (named,)
    assert f"{named} became float64" in report.summary()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_pieces_alone_round_to_half_precision_is_no_rounding_of_the_model(dtype: torch.dtype) -> None:
    wrong, report = found(StepInLowPrecision(torch.bfloat16), tokens(dtype=dtype))
    steps = next(row for row in report.ways if row.check == "steps")
    assert "steps" in wrong
    assert steps.reason.endswith("the run in pieces rounds to that, and the run in one pass does not")
    assert present(steps.evidence).high > 1e-4


class OffByLittle(Conv):
    """A difference that float32 alone could not tell from rounding."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = self.extend(x, state)
        return y * (1 + 3e-6), state


def test_a_small_real_difference_stays_in_float64() -> None:
    wrong, report = found(OffByLittle())
    assert "steps" in wrong
    row = next(row for row in report.ways if row.check == "steps")
    assert present(row.evidence).high > 1e-6
    assert present(row.worst).size < 1e-4
    assert "does not shrink with the unit roundoff" in row.reason


class UnreadState(Conv):
    def initial_state(self, x: Tensor) -> State:
        return {**super().initial_state(x), "unread": x.new_zeros(1)}

    def prefill(self, x: Tensor) -> tuple[Tensor, State]:
        y, state = super().prefill(x)
        return y, {**state, "unread": x.new_ones(1)}


def test_states_that_no_output_tells_apart_are_no_finding() -> None:
    _, report = found(UnreadState())
    row = next(row for row in report.ways if row.check == "state returned")
    assert row.verdict is Verdict.INCONCLUSIVE
    assert "no output that was compared tells the two states apart" in row.reason


class Plain:
    """A kernel with a step and nothing else."""

    def __call__(self, x: Tensor) -> Tensor:
        u = x.transpose(1, 2)
        A = -torch.arange(1.0, 1 + u.shape[1] * 2).reshape(-1, 2).to(x)
        y, _ = scanned(u=u, delta=u, A=A, B=u[:, :2], C=u[:, 2:], delta_softplus=True)
        return y.transpose(1, 2)

    def initial_state(self, x: Tensor) -> Tensor:
        return torch.zeros(len(x), x.shape[2], 2).to(x)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        u = x[:, 0]
        dt = functional.softplus(u)
        A = -torch.arange(1.0, 1 + u.shape[1] * 2).reshape(-1, 2).to(x)
        state = torch.exp(dt[..., None] * A) * state + (dt * u)[..., None] * u[:, None, :2]
        return (state * u[:, None, 2:]).sum(-1)[:, None], state


def test_what_a_kernel_does_not_offer_is_said() -> None:
    _, report = found(Plain())
    said = {row.check: (row.verdict, row.reason) for row in report.ways}
    assert said["steps"][0] is Verdict.STREAMS
    assert said["chunked prefill"] == (Verdict.NOT_APPLICABLE, "the model offers no extend()")
    assert said["left padding"] == (Verdict.NOT_APPLICABLE, "the model offers no padded()")
    assert report.ok
    one = check_streaming(Plain(), tokens(1))
    assert next(row for row in one.ways if row.check == "batch in steps").verdict is Verdict.NOT_APPLICABLE


class Refuses(Conv):
    def extend(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        if x.shape[1] > 1 and bool(state["h"].any()):
            raise NotImplementedError("one at a time")
        return super().extend(x, state)

    def packed(self, x: Tensor, lengths: list[int]) -> Never:
        raise Unsupported("not with this kernel")


def test_what_raises_is_inconclusive_and_what_is_not_claimed_does_not_apply() -> None:
    _, report = found(Refuses())
    said = {row.check: (row.verdict, row.reason) for row in report.ways}
    assert said["chunked prefill"][0] is Verdict.INCONCLUSIVE
    assert (
        said["chunked prefill"][1] == "the model raised NotImplementedError in Refuses.extend: one at a time"
    )
    assert said["packed sequences"] == (Verdict.NOT_APPLICABLE, "not with this kernel")
    assert not report.ok


class NanInStep(Conv):
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = self.extend(x, state)
        return y.masked_fill(y > 0, torch.nan), state


def test_nan_never_passes() -> None:
    wrong, _ = found(NanInStep())
    assert "steps" in wrong
    quiet = type("Silent", (Conv,), {"__call__": lambda self, x: torch.zeros_like(x)})()
    assert check_streaming(quiet, tokens()).verdict is Verdict.INCONCLUSIVE


def test_token_ids() -> None:
    class Count:
        def __call__(self, x: Tensor) -> Tensor:
            return functional.one_hot(x, 7).double().cumsum(1)

        def initial_state(self, x: Tensor) -> Tensor:
            return torch.zeros(len(x), 1, 7, dtype=torch.float64)

        def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
            state = state + functional.one_hot(x, 7)
            return state, state

    ids = torch.randint(7, (2, 12), generator=torch.Generator().manual_seed(0))
    assert check_streaming(Count(), ids).verdict is Verdict.STREAMS


def test_the_assertion() -> None:
    assert check_streaming(Conv(), tokens()).require().ok
    with pytest.raises(CheckFailed, match="chunked prefill") as error:
        check_streaming(ForgetsOnExtend(), tokens(), cuts=[1, 5]).require()
    assert "Repeat : check_streaming(fn, x, cuts=(1, 5), seed=0)" in str(error.value)
    assert error.value.report.verdict is Verdict.DIVERGES


def test_an_audit_has_the_rows() -> None:
    report = audit(Conv(), tokens(2, 9))
    checks = [entry.check for entry in report.checks]
    assert "streaming: chunked prefill" in checks
    assert report.ok, report.summary()
    assert audit(ForgetsOnExtend(), tokens(2, 9)).verdict is Verdict.DIVERGES


def streaming_in(report: AuditReport) -> list[tuple[Verdict, str]]:
    return [(entry.verdict, entry.evidence) for entry in report.checks if entry.check.startswith("streaming")]


class TakesScale(Conv):
    def __call__(self, x: Tensor, scale: float = 1.0) -> Tensor:
        return scale * super().__call__(x)


@pytest.mark.parametrize(
    ("x", "options", "reason"),
    [
        (tokens(2, 3), {}, "fewer than 4 positions"),
        (tokens(2, 9), {"kwargs": {"scale": 2.0}}, "call check_streaming on a wrapper"),
        (tokens(2, 9), {"output": lambda y: y}, "call check_streaming on a wrapper"),
        (tokens(2, 9), {"batch_dim": None}, "call check_streaming on a wrapper"),
        (tokens(9, 9), {"seq_dim": 0, "batch_dim": 1}, "call check_streaming on a wrapper"),
        (tokens(2, 9), {"alignment": Alignment.shift(-1)}, "call check_streaming on a wrapper"),
    ],
)
def test_an_audit_says_where_streaming_does_not_apply(
    x: Tensor, options: dict[str, Any], reason: str
) -> None:
    report = audit(TakesScale(), x, checks=["perturbation", "streaming"], **options)
    ((verdict, evidence),) = streaming_in(report)
    assert verdict is Verdict.NOT_APPLICABLE
    assert reason in evidence
    assert report.checks[1].verdict is not Verdict.NOT_APPLICABLE


def test_a_model_that_raises_does_not_end_an_audit() -> None:
    def raises(self: Conv, x: Tensor) -> Never:
        raise RuntimeError("no kernel")

    broken = type("Broken", (Conv,), {"__call__": raises})()
    report = audit(broken, tokens(2, 9), checks=["streaming"])
    assert streaming_in(report) == [(Verdict.INCONCLUSIVE, "fn raised RuntimeError: no kernel")]
    assert report.theorems == ()


@pytest.mark.parametrize(
    ("model", "x", "options", "sentence"),
    [
        (lambda x: x, tokens(), {}, "initial_state"),
        (Conv(), tokens(T=3), {}, "T >= 4"),
        (Conv(), tokens(), {"cuts": [0]}, "1 <= k < T"),
        (Conv(), tokens(), {"cuts": 5}, "1 <= k < T"),
        (type("Wide", (Conv,), {"__call__": lambda self, x: x[:, 1:]})(), tokens(), {}, "must be a tensor"),
    ],
)
def test_a_wrong_call(model: StreamingModel, x: Tensor, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        check_streaming(model, x, **options)
