"""The module that lets a leak in is named: the innermost, the first in execution order."""

import pickle
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from scanproof import (
    Alignment,
    CheckFailed,
    Verdict,
    assert_strictly_causal,
    certify,
    check_batch,
    check_perturbation,
    check_prefix,
    leak_map,
)
from scanproof.causality.diagnosis.module_calls import module_names
from scanproof.causality.diagnosis.origin import Origin
from scanproof.causality.gradients.certificate import Cuts
from scanproof.causality.outputs.batch_report import BatchProbe
from verdicts import assert_verdict
from zoo.convolution import fft_conv
from zoo.injected import with_pair_leak

T, D = 13, 4


class Conv(nn.Module):
    """A convolution over time, causal or padded on both sides."""

    def __init__(self, causal: bool = True) -> None:
        super().__init__()
        self.conv1d = nn.Conv1d(D, D, 3, padding=2 if causal else 1)
        self.act = nn.SiLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.conv1d(x.mT)[..., : x.shape[1]]).mT


class Normalised(nn.Module):
    """Statistics over the whole sequence, in code of its own."""

    def forward(self, x: Tensor) -> Tensor:
        scale = x.square().mean(1, keepdim=True)
        return x * scale.rsqrt()


class Block(nn.Module):
    def __init__(self, mixer: nn.Module) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(D)
        self.mixer = mixer

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mixer(self.norm(x))


class Model(nn.Module):
    def __init__(self, *mixers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(map(Block, mixers))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x

    def encode(self, x: Tensor) -> Tensor:
        return self(x) + 1


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        yield


@pytest.fixture
def x() -> Tensor:
    return torch.randn(2, T, D, generator=torch.Generator().manual_seed(1))


def where(fn: Callable[..., Any], x: Tensor, **options: Any) -> Origin:
    report = certify(fn, x, **{"cuts": "all", **options})
    assert_verdict(report, Verdict.LEAK)
    assert report.origin is not None
    assert f"  enters in  : {report.origin}" in report.summary().splitlines()
    return report.origin


def leaky_model(number: int) -> Model:
    return Model(*(Conv(causal=i != number) for i in range(4))).eval()


class TestModules:
    @pytest.mark.parametrize("number", range(4))
    def test_the_layer_is_named(self, number: int, x: Tensor) -> None:
        for given in (x, x.double()):
            found = where(leaky_model(number).to(given.dtype), given)
            assert str(found) == f"layers.{number}.mixer.conv1d (Conv1d), call 1"
            assert (found.module, found.kind, found.call) == (f"layers.{number}.mixer.conv1d", "Conv1d", 1)
            assert not found.own_code

    def test_the_first_of_two(self, x: Tensor) -> None:
        found = where(Model(Conv(), Normalised(), Conv(causal=False)), x)
        assert found.module == "layers.1.mixer"

    def test_code_of_a_module_with_its_line(self, x: Tensor) -> None:
        found = where(Model(Conv(), Normalised()), x)
        assert found.module == "layers.1.mixer"
        assert not found.own_code
        assert str(found.line).endswith(": return x * scale.rsqrt()")
        assert str(found.line).startswith("test_origin.py:")

    def test_code_between_submodules(self, x: Tensor) -> None:
        class Pooled(Block):
            def forward(self, x: Tensor) -> Tensor:
                h = self.norm(x)
                h = h + h.mean(1, keepdim=True)
                return self.mixer(h)

        found = where(nn.Sequential(Block(Conv()), Pooled(Conv()), Block(Conv())), x)
        assert (found.module, found.kind, found.own_code) == ("1", "Pooled", True)
        assert str(found.line).endswith(": h = h + h.mean(1, keepdim=True)")
        assert str(found).startswith("1 (Pooled), call 1, in its own code, test_origin.py:")

    def test_code_of_the_module_that_was_checked(self, x: Tensor) -> None:
        class Reversed(Model):
            def forward(self, x: Tensor) -> Tensor:
                return super().forward(x).flip(1)

        found = where(Reversed(Conv()), x)
        assert (found.module, found.kind, found.own_code) == ("", "Reversed", True)
        assert str(found).startswith("Reversed, call 1, in its own code, test_origin.py:")

    def test_which_call_of_a_shared_module(self, x: Tensor) -> None:
        class Twice(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.shift = Shift()

            def forward(self, x: Tensor) -> Tensor:
                return self.shift(self.shift(h=x, ahead=0), ahead=2)

        class Shift(nn.Module):
            def forward(self, h: Tensor, *, ahead: int) -> Tensor:
                return h + h.roll(-ahead, 1)

        found = where(Twice(), x)
        assert (found.module, found.call) == ("shift", 2)

    def test_outputs_that_are_tuples_and_a_selected_one(self, x: Tensor) -> None:
        class Attention(nn.MultiheadAttention):
            def forward(self, x: Tensor, **options: Any) -> tuple[Tensor, Tensor | None]:  # type: ignore[override]
                return super().forward(x, x, x, **options)

        attention = nn.ModuleDict({"inner": Attention(D, 2, batch_first=True)})

        def fn(x: Tensor) -> dict[str, object]:
            return {"y": attention["inner"](x), "z": 0}

        found = where(fn, x, output=lambda result: result["y"][0])
        assert (found.module, found.kind) == ("attention.inner", "Attention")
        gru = nn.GRU(D, D, batch_first=True, bidirectional=True)
        assert where(lambda x: gru(x)[0], x).module == "gru"

    @pytest.mark.parametrize("order", [(1, 0, 2), (2, 0, 1), (1, 2, 0)])
    def test_tensors_with_axes_anywhere(self, order: tuple[int, ...], x: Tensor) -> None:
        back = tuple(order.index(axis) for axis in range(3))

        class Elsewhere(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.mix = Mean()

            def forward(self, x: Tensor) -> Tensor:
                return self.mix(x.permute(order)).permute(back) + x

        class Mean(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return x.mean(order.index(1), keepdim=True).expand_as(x).contiguous()

        assert where(Elsewhere(), x).module == "mix"

    @pytest.mark.parametrize("examples_first", [True, False])
    def test_positions_and_examples_on_one_axis(self, examples_first: bool, x: Tensor) -> None:
        given = x if examples_first else x.transpose(0, 1)
        axes: dict[str, Any] = (
            {"seq_dim": 1, "batch_dim": 0} if examples_first else {"seq_dim": 0, "batch_dim": 1}
        )

        class Experts(nn.Module):
            """A router that normalises the score of an expert over all tokens."""

            def __init__(self) -> None:
                super().__init__()
                self.scores, self.over_tokens = nn.Linear(D, D), nn.Softmax(0)

            def forward(self, x: Tensor) -> Tensor:
                tokens = x.reshape(-1, D)
                return (tokens * self.over_tokens(self.scores(tokens))).reshape(x.shape)

        report = certify(Experts(), given, **axes)
        assert report.temporal.origin is not None
        assert report.temporal.origin.module == "over_tokens"
        assert report.batch is not None
        assert report.batch.origin == report.temporal.origin

    def test_a_module_that_reads_another_example(self, x: Tensor) -> None:
        model = nn.Sequential(nn.Linear(D, D), nn.Unflatten(-1, (2, 2)), nn.Flatten(2), Normed(), nn.SiLU())
        report = certify(model, x)
        assert report.temporal.verdict is Verdict.LEAK
        assert report.batch is not None
        assert report.batch.origin is not None
        assert str(report.batch.origin) == "3.norm (BatchNorm1d), call 1"
        assert report.batch.pattern is None

    def test_what_cannot_be_asked_is_said(self, x: Tensor) -> None:
        square = torch.randn(2, D, D, generator=torch.Generator().manual_seed(1))  # T = D
        found = where(Model(Conv(), Conv(causal=False)), square)
        assert "layers.1 (Block)" in str(found) or "conv1d (Conv1d)" in str(found)
        assert str(found).endswith(", where the axis to follow is ambiguous")

    def test_outputs_of_patches(self, x: Tensor) -> None:
        patches, mixer = nn.Conv1d(D, D, 2, stride=2), Normalised()
        found = where(lambda x: mixer(patches(x.mT).mT), x, alignment=Alignment.patches(2))
        assert found.module == "mixer"

    def test_a_causal_layer_that_rounds_is_not_blamed(self, x: Tensor) -> None:
        class Long(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return fft_conv(x, torch.ones(T, D, dtype=x.dtype))

        class Leak(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return with_pair_leak(lambda x: x, 1e-6, (0, 3, 1), (0, 9, 2))(x)

        report = certify(Model(Long(), Leak(), Long()), x)
        assert report.origin is not None
        assert report.origin.module == "layers.1.mixer"

    def test_reading_ahead_counts_where_it_happens(self, x: Tensor) -> None:
        class Ahead(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return nn.functional.pad(x[:, 1:], (0, 0, 0, 1))

        class Behind(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return nn.functional.pad(x[:, :-2], (0, 0, 2, 0))

        assert_verdict(certify(nn.Sequential(Ahead(), Behind()), x), Verdict.CAUSAL)
        assert where(nn.Sequential(Ahead(), Behind(), Normalised()), x).module == "0"
        assert (
            where(nn.Sequential(Behind(), Ahead(), Normalised()), x).module == "2"
        )  # Ahead reads the past of x


class Normed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(D)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.mT).mT


def mean_over_time(x: Tensor) -> Tensor:
    y = x.cumsum(1)
    return y - x.mean(1, keepdim=True)


class TestFunctions:
    def test_without_modules(self, x: Tensor) -> None:
        found = where(mean_over_time, x)
        assert (found.module, found.kind, found.call, found.own_code) == (None, "mean_over_time", 0, False)
        assert str(found).startswith("the code of mean_over_time, test_origin.py:")
        assert str(found).endswith(": return y - x.mean(1, keepdim=True)")

    def test_outside_the_modules_it_calls(self, x: Tensor) -> None:
        model = leaky_model(-1)

        def fn(x: Tensor) -> Tensor:
            x = model(x)
            return x.roll(-1, 1)

        found = where(fn, x)
        assert str(found).startswith(
            "the code of TestFunctions.test_outside_the_modules_it_calls.<locals>.fn, "
        )
        assert ", outside the modules it calls, test_origin.py:" in str(found)
        assert str(found).endswith(": return x.roll(-1, 1)")

    def test_a_loop_over_positions(self, x: Tensor) -> None:
        def fn(x: Tensor) -> Tensor:
            state, y = torch.zeros_like(x[:, 0]), torch.zeros_like(x)
            for t in range(T):
                state = 0.9 * state + x[:, t]
                y[:, t] = state + x[:, (t + 1) % T]
            return y

        assert str(where(fn, x).line).endswith(": y[:, t] = state + x[:, (t + 1) % T]")

    @pytest.mark.parametrize("form", ["lambda", "method", "partial", "list", "object", "wrapped"])
    def test_names_begin_where_the_function_knows_the_module(self, form: str, x: Tensor) -> None:
        model = leaky_model(1)
        several = [nn.Identity(), model]

        class Holder:
            def __init__(self) -> None:
                self.net = model

            def __call__(self, x: Tensor) -> Tensor:
                return self.net(x)

        def call(x: Tensor, net: nn.Module) -> Tensor:
            return net(x)

        plain = lambda x: model(x)  # noqa: E731
        ways: dict[str, tuple[Callable[..., Any], str]] = {
            "lambda": (plain, "model."),
            "method": (model.encode, ""),
            "partial": (partial(call, net=model), "net."),
            "list": (lambda x: several[1](x), "several.1."),
            "object": (Holder(), "net."),
            "wrapped": (lambda x: plain(x) + 1, "plain.model."),
        }
        fn, prefix = ways[form]
        assert where(fn, x).module == f"{prefix}layers.1.mixer.conv1d"

    def test_a_module_that_nothing_names(self, x: Tensor) -> None:
        found = where(lambda x: Normalised()(x), x)
        assert (found.module, found.kind) == (None, "Normalised")
        assert str(found).startswith("Normalised, call 1, test_origin.py:")

    def test_names_survive_cycles_and_empty_cells(self) -> None:
        held: list[Any] = []
        held.append(held)

        def fn(x: Tensor) -> Tensor:
            return later(held, x)

        assert module_names(fn) == {}
        later = nn.Identity()
        assert module_names(fn) == {later: "later"}


class TestWrappers:
    @pytest.mark.filterwarnings("ignore:The .grad attribute")  # torch._dynamo looks at it
    def test_compiled_modules_are_looked_into(self, x: Tensor) -> None:
        mixer = leaky_model(1).get_submodule("layers.1.mixer")
        compiled = torch.compile(mixer, backend="eager")
        assert str(where(compiled, x)) == "conv1d (Conv1d), call 1"

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_a_backward_that_runs_the_forward_again(self, dtype: torch.dtype, x: Tensor) -> None:
        class Checkpointed(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.norm, self.inner = nn.LayerNorm(D), leaky_model(1)

            def forward(self, x: Tensor) -> Tensor:
                return checkpoint(self.inner, self.norm(x), use_reentrant=False)

        report = certify(Checkpointed().to(dtype), x.to(dtype))
        assert_verdict(report, Verdict.LEAK)
        assert "no second precision to tell rounding from information" in report.reason
        assert "the backward raised RuntimeError" in report.reason
        assert report.origin is not None
        assert report.origin.module == "inner.layers.1.mixer.conv1d"


class TestProblems:
    def test_a_function_that_fails_when_it_is_watched(self, x: Tensor) -> None:
        calls = 0

        def fn(x: Tensor) -> Tensor:
            nonlocal calls
            calls += 1
            if calls > 2:
                raise RuntimeError("no third run")
            return mean_over_time(x)

        assert str(where(fn, x)) == "not found: RuntimeError: no third run"

    def test_a_module_that_returns_by_writing_into_its_argument(self, x: Tensor) -> None:
        class Written(nn.Module):
            def forward(self, x: Tensor) -> None:
                x += x.mean(1, keepdim=True)

        written = Written()

        def fn(x: Tensor) -> Tensor:
            y = x * 1
            written(y)
            return y

        assert "not found: ValueError: fn returns other outputs" in str(where(fn, x))

    def test_nothing_of_modules_is_changed(self, x: Tensor) -> None:
        plain = nn.Module.__call__
        model = leaky_model(1)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        where(model, x)
        assert nn.Module.__call__ is plain
        assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
        assert not any(parameter.grad is not None for parameter in model.parameters())


class TestReports:
    def test_only_leaks_have_a_place(self, x: Tensor) -> None:
        report = certify(leaky_model(-1), x, cuts="all")
        assert (report.origin, report.pattern) == (None, None)
        report = certify(leaky_model(1), x, threshold=10.0, cuts="all")
        assert (report.verdict, report.origin, report.pattern) == (Verdict.TOLERATED, None, None)

    @pytest.mark.parametrize("cuts", ["all", "rand", "coded"])
    def test_every_mode_says_shape_and_place(self, cuts: Cuts, x: Tensor) -> None:
        report = certify(leaky_model(1), x, cuts=cuts)
        assert str(report.pattern) == "off by one: output t reads input t + 1; seen on all 12 outputs"
        assert report.origin is not None
        assert report.origin.module == "layers.1.mixer.conv1d"

    def test_the_message_of_an_assertion_survives_pickling(self, x: Tensor) -> None:
        with pytest.raises(CheckFailed) as caught:
            assert_strictly_causal(leaky_model(1), x)
        message = str(pickle.loads(pickle.dumps(caught.value)))
        assert "\n  pattern    : off by one: output t reads input t + 1; seen on all 12 outputs\n" in message
        assert "\n  enters in  : layers.1.mixer.conv1d (Conv1d), call 1\n" in message

    def test_a_row_of_the_table(self, x: Tensor) -> None:
        evidence = certify(leaky_model(1), x).rows("model")[0].evidence
        assert (
            "; off by one: output t reads input t + 1; enters in layers.1.mixer.conv1d (Conv1d), call 1; "
            in (evidence)
        )


class Detached(nn.Module):
    """A mean over the whole sequence that has no gradient."""

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(1, keepdim=True).detach()
        return x - mean


class ByLength(nn.Module):
    """Divides by the number of positions."""

    def forward(self, x: Tensor) -> Tensor:
        return x / x.shape[1]


FORWARD = pytest.mark.parametrize("check", [check_perturbation, check_prefix])


class TestForward:
    """The same by comparing the numbers, which sees what has no gradient."""

    def place(self, check: Callable[..., Any], fn: Callable[..., Any], x: Tensor, **options: Any) -> Origin:
        report = check(fn, x, **options)
        assert_verdict(report, Verdict.LEAK)
        assert report.origin is not None
        assert f"  enters in  : {report.origin}" in report.summary().splitlines()
        assert f"; enters in {report.origin}; " in report.rows("fn")[0].evidence
        return report.origin

    @FORWARD
    @pytest.mark.parametrize("number", range(4))
    def test_the_layer_is_named(self, check: Callable[..., Any], number: int, x: Tensor) -> None:
        for given in (x, x.double()):
            found = self.place(check, leaky_model(number).to(given.dtype), given)
            assert str(found) == f"layers.{number}.mixer.conv1d (Conv1d), call 1"

    @FORWARD
    def test_what_has_no_gradient(self, check: Callable[..., Any], x: Tensor) -> None:
        found = self.place(check, Model(Conv(), Detached(), Normalised()), x)
        assert found.module == "layers.1.mixer"
        assert str(found.line).endswith(": return x - mean")

    def test_what_depends_on_the_length(self, x: Tensor) -> None:
        model = Model(Conv(), ByLength(), Conv()).eval()
        assert_verdict(check_perturbation(model, x), Verdict.CAUSAL)
        for cuts in ([2], [D], [7], "all"):  # 2 examples, and D channels, too
            found = self.place(check_prefix, model, x, cuts=cuts)
            assert found.module == "layers.1.mixer"
            assert str(found.line).endswith(": return x / x.shape[1]")

    def test_token_ids(self) -> None:
        ids = torch.randint(0, 11, (2, T), generator=torch.Generator().manual_seed(1))
        model = nn.Sequential(nn.Embedding(11, D), Block(Conv()), Block(Detached()), nn.Linear(D, 11))
        assert self.place(check_perturbation, model.eval(), ids).module == "2.mixer"

    @FORWARD
    def test_code_between_submodules_and_functions(self, check: Callable[..., Any], x: Tensor) -> None:
        model = leaky_model(-1)

        class Pooled(Block):
            def forward(self, x: Tensor) -> Tensor:
                h = self.norm(x)
                h = h + h.mean(1, keepdim=True).detach()
                return self.mixer(h)

        found = self.place(check, nn.Sequential(Block(Conv()), Pooled(Conv())), x)
        assert (found.module, found.own_code) == ("1", True)
        assert str(found.line).endswith(": h = h + h.mean(1, keepdim=True).detach()")
        found = self.place(check, lambda x: model(x).round().flip(1), x)
        assert (found.module, found.call, found.own_code) == (None, 0, True)
        found = self.place(check, mean_over_time, x)
        assert str(found).startswith("the code of mean_over_time, test_origin.py:")

    def test_which_call_of_a_shared_module(self, x: Tensor) -> None:
        class Twice(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.norm, self.shift = nn.LayerNorm(D), Detached()

            def forward(self, x: Tensor) -> Tensor:
                x = self.norm(x)
                x = torch.cat([self.shift(x[:, t : t + 1]) for t in range(x.shape[1])], 1) + self.norm(x)
                return self.shift(self.norm(x))

        found = self.place(check_perturbation, Twice(), x)
        assert (found.module, found.call) == ("shift", T + 1)

    @FORWARD
    def test_a_layer_that_rounds_is_not_blamed(self, check: Callable[..., Any], x: Tensor) -> None:
        class Long(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return fft_conv(x, torch.ones(T, D, dtype=x.dtype))

        for given in (x, x.double()):
            assert (
                self.place(check, Model(Long(), Detached(), Long()).to(given.dtype), given).module
                == "layers.1.mixer"
            )

    def test_a_past_that_turns_nan(self, x: Tensor) -> None:
        class Masked(nn.Module):
            def forward(self, x: Tensor) -> Tensor:  # 0 * inf
                mask = torch.ones(T, T).tril()[None, :, :, None]
                return (mask * x[:, None].exp()).sum(2)

        assert self.place(check_perturbation, nn.Sequential(nn.Identity(), Masked()), x).module == "1"

    @FORWARD
    def test_what_cannot_be_asked_is_said(self, check: Callable[..., Any]) -> None:
        square = torch.randn(2, D, D, generator=torch.Generator().manual_seed(1))  # T = D
        found = self.place(check, Model(Conv(), Detached()).eval(), square)
        assert found.unread == ("layers.0 (Block)", "layers.1 (Block)")
        assert str(found).endswith(", where the axis to follow is ambiguous")

    def test_a_function_that_fails_when_it_runs_once_more(self, x: Tensor) -> None:
        calls = check_perturbation(mean_over_time, x).calls
        count = 0

        def fn(x: Tensor) -> Tensor:
            nonlocal count
            count += 1
            if count > calls - 4:  # two runs in two precisions, and the same for the line
                raise RuntimeError("no more")
            return mean_over_time(x)

        assert str(self.place(check_perturbation, fn, x)) == "not found: RuntimeError: no more"

    @FORWARD
    def test_only_leaks_have_a_place(self, check: Callable[..., Any], x: Tensor) -> None:
        assert check(leaky_model(-1), x).origin is None

    def test_the_message_of_an_assertion(self, x: Tensor) -> None:
        with pytest.raises(CheckFailed, match=r"\n  enters in  : layers\.1\.mixer\.conv1d "):
            check_perturbation(leaky_model(1), x).require()
        with pytest.raises(CheckFailed, match=r"\n  enters in  : layers\.1\.mixer\.conv1d "):
            check_prefix(leaky_model(1), x).require()


class TestBatches:
    """The module that lets examples read each other, by comparing the numbers."""

    @pytest.mark.parametrize("probes", [["replace"], ["alone"]])
    def test_the_module_is_named(self, probes: list[BatchProbe], x: Tensor) -> None:
        class Centred(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return x - x.mean(0, keepdim=True).detach()

        model = nn.Sequential(Block(Conv()), Block(Centred()), nn.Linear(D, D)).eval()
        report = check_batch(model, x, probes=probes)
        assert_verdict(report, Verdict.LEAK)
        assert report.origin is not None
        assert report.origin.module == "1.mixer"
        assert f"  enters in  : {report.origin}" in report.summary().splitlines()
        assert check_batch(model[0], x).origin is None

    def test_a_number_for_every_place(self, x: Tensor) -> None:
        class Numbered(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return x + torch.arange(len(x))[:, None, None]

        x = torch.cat([x, x + 1])[:3]
        report = check_batch(nn.Sequential(nn.Linear(D, D), Numbered()), x, probes=["permute"])
        assert_verdict(report, Verdict.LEAK)
        assert report.origin is not None
        assert report.origin.module == "1"


@pytest.mark.cuda
def test_on_a_gpu(x: Tensor) -> None:
    model, x = leaky_model(1).cuda(), x.cuda()
    for check in (certify, check_perturbation, check_prefix):
        found = check(model, x).origin
        assert found is not None
        assert found.module == "layers.1.mixer.conv1d"
    assert str(leak_map(model, x).pattern).startswith("off by one: ")
    assert str(check_perturbation(model, x).pattern).startswith("off by one: ")
