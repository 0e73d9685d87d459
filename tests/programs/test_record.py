"""A recorded program is what the function computes, whatever that does with views, memory and values."""

import gc
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from scanproof.errors import InvalidArgument, NothingEstablished
from scanproof.programs.execute import execute
from scanproof.programs.record import record


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def filled_step_by_step(x: Tensor) -> Tensor:
    y = torch.empty_like(x)
    for t in range(x.shape[1]):
        y[:, t] = x[:, : t + 1].sum(1)
    return y


def written_through_views(x: Tensor) -> Tensor:
    y = x.clone()
    flat, turned, diagonal = y.view(-1), y.transpose(1, 2), y.diagonal(dim1=1, dim2=2)
    flat[3] = x[0, 0, 1]
    turned[:, 1].mul_(2)
    diagonal.add_(1)
    y.unbind(1)[2].copy_(x[:, 0])
    y.split(2, 1)[0].zero_()
    y.permute(2, 0, 1)[0, :, 1:3] = 5
    y.unsqueeze(0).squeeze(0).narrow(1, 1, 2).sub_(flat[:2].sum())
    return y + turned.transpose(1, 2)


def read_before_and_after_a_write(x: Tensor) -> Tensor:
    y = x.clone()
    part = y[:, 1]
    before = part * 2
    y += 1
    return torch.stack([before, part], 1)


def reshaped_in_place(x: Tensor) -> Tensor:
    y = x.clone().unsqueeze_(0).transpose_(1, 2)
    y[0, 0] = 1
    return y.squeeze_(0)


def given_memory(x: Tensor) -> Tensor:
    y = torch.empty(0)
    torch.cumsum(x, 1, out=y)
    torch.add(y[:, :2], 1, out=y[:, 2:4])
    return y


def chosen_by_values(x: Tensor) -> Tensor:
    y = x.clone()
    y[y > 0] = 0
    y[:, torch.tensor([0, 2])] += x[:, [1]]
    y.index_put_((torch.tensor([0, 0]), torch.tensor([1, 1])), x[0, :2], accumulate=True)
    return y.masked_fill_(x < -1, 7).scatter_(1, x.argsort(1), x)


def in_place_arithmetic(x: Tensor) -> Tensor:
    y = x.clone()
    y.mul_(x.double()).clamp_(-1, 1).exp_().addcmul_(x, x).gt_(0.5)
    return y.relu_().fill_(2).div_(3).pow_(2)


def its_own_gradient(x: Tensor) -> Tensor:
    with torch.enable_grad():
        z = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad((z.cumsum(1) * z).tanh().sum(), z)
    return gradient


def the_gradient_of_writes(x: Tensor) -> Tensor:
    """Autograd takes and writes strided views, also of a tensor whose axes are not in the order of memory."""
    with torch.enable_grad():
        z = x.detach().requires_grad_()
        for y in (torch.zeros_like(x), torch.zeros_like(x.mT.contiguous()).mT):
            y[:, 0] = z[:, 1]
            y[:, 1:] = (y[:, :1].clone() * z[:, 1:]).sin()
            x = x + torch.autograd.grad((y * z).sum(), z)[0]
    return x


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.mul(2)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return gradient


LINEAR = nn.Linear(5, 5)
FUNCTIONS: list[Callable[[Tensor], Any]] = [
    filled_step_by_step,
    written_through_views,
    read_before_and_after_a_write,
    reshaped_in_place,
    given_memory,
    chosen_by_values,
    in_place_arithmetic,
    its_own_gradient,
    the_gradient_of_writes,
    Doubled.apply,
    lambda x: checkpoint(lambda x: LINEAR(x).cumsum(1), x, use_reentrant=False),
    lambda x: torch.vmap(lambda row: row.cumsum(0))(x),
    lambda x: torch.func.grad(lambda x: x.cumsum(1).square().sum())(x),
    lambda x: torch.nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True),
    lambda x: torch.autocast("cpu", torch.bfloat16)(LINEAR)(x),
    lambda x: torch.inference_mode()(lambda x: x.cumsum(1).add_(1))(x),
    lambda x: {"a": (x + 1, [x * 2]), "b": x.max(1)},
    lambda x: torch.view_as_real(torch.fft.rfft(x, dim=1)),
    lambda x: nn.functional.dropout(x, 0.5) + torch.rand_like(x) + torch.randn(5),
    lambda x: nn.functional.conv1d(x, torch.ones(4, 4, 2)).contiguous(),
    lambda x: nn.functional.interpolate(x, scale_factor=2.0),
    lambda x: x.to(torch.bfloat16).float() + x.int(),
    lambda x: torch.einsum("btd,bsd->bts", x, x).tril().softmax(-1),
    lambda x: x.view(torch.int32) % 3,
    lambda x: x,
]


@pytest.mark.parametrize("fn", FUNCTIONS, ids=range(len(FUNCTIONS)))
def test_a_program_does_what_the_function_does(fn: Callable[[Tensor], Any]) -> None:
    x = numbers(2, 4, 5)
    program = record(fn, x)
    for path, result in execute(program, [x]).items():
        assert torch.equal(result, program.results[path]), path
    again = record(fn, numbers(2, 4, 5, seed=1))
    if fn is not chosen_by_values:  # which takes another path
        for path, result in execute(program, [numbers(2, 4, 5, seed=1)]).items():
            assert torch.equal(result, again.results[path]), path


def test_what_is_given_is_not_written_into() -> None:
    x = numbers(2, 3)
    record(lambda x: x.mul_(2), x)
    assert torch.equal(x, numbers(2, 3))


@st.composite
def edits(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Views of views, writes into them and reads of them, in any order."""
    kinds = st.sampled_from(
        ["select", "slice", "transpose", "view", "unbind", "write", "add", "read", "diagonal"]
    )
    return draw(st.lists(st.tuples(kinds, st.integers(0, 5), st.integers(0, 3)), min_size=3, max_size=12))


def edited(x: Tensor, steps: list[tuple[Any, ...]]) -> Tensor:
    views, total = [x.clone()], x.sum()
    for number, (kind, which, place) in enumerate(steps):
        view = views[which % len(views)]
        dim = place % view.dim() if view.dim() else 0
        if kind == "write":
            view.fill_(number) if place % 2 else view.copy_(view.flip(dim) if view.dim() else view * 2)
        elif kind == "add":
            view.add_(views[place % len(views)].sum())
        elif kind == "read" or not view.dim():
            total = total * 0.5 + (view * (number + 1)).sum()
        elif kind == "select":
            views.append(view.select(dim, place % view.shape[dim]))
        elif kind == "slice":
            views.append(view[(slice(None),) * dim + (slice(place % view.shape[dim], None),)])
        elif kind == "transpose":
            views.append(view.transpose(0, dim))
        elif kind == "view" and view.is_contiguous():
            views.append(view.view(-1))
        elif kind == "unbind":
            views.append(view.unbind(dim)[place % view.shape[dim]])
        elif kind == "diagonal" and view.dim() > 1:
            views.append(view.diagonal(dim1=0, dim2=1))
    return torch.cat([total[None], *(view.reshape(-1) for view in views)])


@settings(derandomize=True, deadline=None, max_examples=60)
@given(edits())
def test_writes_reach_every_view(steps: list[tuple[Any, ...]]) -> None:
    x = numbers(2, 3, 4)
    program = record(lambda x: edited(x, steps), x)
    y = numbers(2, 3, 4, seed=1)
    assert torch.equal(execute(program, [x])[""], edited(x, steps))
    assert torch.equal(execute(program, [y])[""], edited(y, steps))


class Caching(nn.Module):
    """Keeps its input, a count and running statistics in buffers."""

    cache: Tensor
    calls: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("cache", torch.zeros(2, 4, 5))
        self.register_buffer("calls", torch.tensor(0))
        self.norm = nn.BatchNorm1d(5)

    def forward(self, x: Tensor) -> Tensor:
        self.cache[:, : x.shape[1]] = x
        self.calls += 1
        return self.norm(self.cache.mT).mT + self.calls


def test_what_a_module_holds_is_put_back() -> None:
    module = Caching().train()
    before = deepcopy(module.state_dict())
    x = numbers(2, 4, 5)
    program = record(module, x)
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert torch.equal(execute(program, [x])[""], deepcopy(module)(x))


def test_parameters_are_values_of_their_own_and_buffers_are_constants() -> None:
    module = Caching().eval()
    program = record(lambda x: module(x) + LINEAR.bias, numbers(2, 4, 5))
    sources = {value.source for value in program.values if value.tensor is not None}
    assert sources == {"parameter", "constant"}
    assert all(
        value.known == (value.source == "constant") for value in program.values if value.tensor is not None
    )


def test_a_compiled_function_is_recorded_as_it_was_written() -> None:
    compiled = torch.compile(lambda x: x.cumsum(1) * 2, backend="eager")
    assert [node.name for node in record(compiled, numbers(2, 3)).nodes] == [
        "aten.cumsum.default",
        "aten.mul.Tensor",
    ]


def test_fused_layers_are_recorded_in_parts() -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).eval()
    names = {node.name for node in record(layer, numbers(2, 3, 4)).nodes}
    assert "aten._transformer_encoder_layer_fwd.default" not in names
    assert torch.backends.mha.get_fastpath_enabled()


class TestDepartures:
    """Values that Python sees."""

    @pytest.mark.parametrize(
        ("fn", "kind", "steers"),
        [
            (lambda x: x if x.sum() > 0 else -x, "_local_scalar_dense", True),
            (lambda x: x / x.max().item(), "_local_scalar_dense", False),
            (lambda x: x[: int(x.argmax())], "_local_scalar_dense", False),
            (lambda x: x * len(x[x > 0]), "index", True),
            (lambda x: x * len(x.nonzero()), "nonzero", True),
            (lambda x: x * x.flatten().tolist()[0], "tolist", False),
            (lambda x: x * torch.from_numpy(x.numpy() * 2), "numpy", False),
        ],
    )
    def test_they_are_noticed(self, fn: Callable[[Tensor], Tensor], kind: str, steers: bool) -> None:
        (departure,) = record(fn, numbers(3, 4)).departures
        assert (departure.kind, departure.steers) == (kind, steers)
        assert departure.place.line == fn.__code__.co_firstlineno

    def test_values_of_constants_do_not_count(self) -> None:
        assert not record(lambda x: x * torch.ones(3).sum().item(), numbers(3)).departures

    def test_values_of_parameters_count(self) -> None:
        assert record(lambda x: x * LINEAR.bias.sum().item(), numbers(3)).departures

    def test_tensors_are_as_before_afterwards(self) -> None:
        record(lambda x: x, numbers(3))
        assert "numpy" not in vars(torch.Tensor)


class TestRefused:
    """What cannot be recorded is said in a sentence."""

    @pytest.mark.parametrize(
        ("fn", "says"),
        [
            (lambda x: x.clone().resize_(3), "resize_.* changes the memory"),
            (lambda x: x.to_sparse(), "sparse"),
            (lambda x: x.clone().expand(2, -1, -1, -1).add_(1), None),
            (lambda x: x.clone().unfold(1, 2, 1).add_(1), "write into a view by aten.unfold"),
        ],
    )
    def test_it_is_said(self, fn: Callable[[Tensor], Tensor], says: str | None) -> None:
        with pytest.raises(InvalidArgument if says else NothingEstablished, match=says):
            record(fn, numbers(2, 3, 4))

    def test_memory_that_is_held_twice(self) -> None:
        held = torch.zeros(4)
        other = held[1:]

        def fn(x: Tensor) -> Tensor:
            y = other * x
            held[1:] = x
            return y + other

        with pytest.raises(InvalidArgument, match="through another; read the memory"):
            record(fn, numbers(3))
        assert torch.equal(held, torch.zeros(4))

    def test_what_the_function_raises(self) -> None:
        with pytest.raises(NothingEstablished, match="fn raised ZeroDivisionError"):
            record(lambda x: x / (1 // 0), numbers(3))


def test_a_recording_is_freed_without_a_collection() -> None:
    """A mark in a reference cycle would keep all values of a program in memory."""
    held = torch.ones(2, 4)

    def fn(x: Tensor) -> Tensor:
        y = x.clone()
        y.view(-1)[::2].mul_(2)
        return y.cumsum(1) + held

    record(fn, torch.ones(2, 4))
    gc.collect()
    gc.disable()
    try:
        record(fn, torch.ones(2, 4))
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_held_tensor_that_is_written_and_returned() -> None:
    held = torch.zeros(2, 4)

    def fn(x: Tensor) -> Tensor:
        held.add_(x)
        return held

    program = record(fn, torch.ones(2, 4))
    assert torch.equal(execute(program, [2 * torch.ones(2, 4)])[""], 2 * torch.ones(2, 4))
    assert torch.equal(held, torch.zeros(2, 4))
