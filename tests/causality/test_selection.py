from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from scanproof import CausalCertificate, InvalidArgument, Verdict, certify, check_perturbation, check_prefix
from scanproof.foundation.selection import Selector
from verdicts import assert_verdict


@dataclass
class Output:
    hidden: Tensor
    state: object = None


class Named(NamedTuple):
    hidden: Tensor
    state: object


class Mapping(OrderedDict[str, Any]):
    """A mapping with attributes, as those of transformers."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


def hidden(x: Tensor) -> Tensor:
    return x.cumsum(1)


def state(x: Tensor) -> Tensor:
    return x.sum(1, keepdim=True).expand_as(x)


CASES = {
    "tuple": lambda x: (hidden(x), state(x)),
    "list": lambda x: [hidden(x), state(x)],
    "dict": lambda x: {"hidden": hidden(x), "state": state(x)},
    "mapping with attributes": lambda x: Mapping(hidden=hidden(x), state=state(x)),
    "dataclass": lambda x: Output(hidden(x), state(x)),
    "named tuple": lambda x: Named(hidden(x), state(x)),
}


@pytest.fixture
def x(rng: torch.Generator) -> Tensor:
    return torch.randn(2, 7, 3, generator=rng)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("tuple", 0, 1),
        ("tuple", -2, -1),
        ("list", 0, 1),
        ("dict", "hidden", "state"),
        ("mapping with attributes", "hidden", "state"),
        ("dataclass", "hidden", "state"),
        ("named tuple", "hidden", "state"),
        ("named tuple", 0, 1),
        ("dataclass", lambda y: y.hidden, lambda y: y.state),
    ],
)
@pytest.mark.parametrize("check", [certify, check_prefix, check_perturbation])
def test_the_output_that_is_named_is_looked_at(
    check: Callable[..., CausalCertificate], kind: str, good: Selector, bad: Selector, x: Tensor
) -> None:
    assert_verdict(check(CASES[kind], x, output=good), Verdict.CAUSAL)
    assert_verdict(check(CASES[kind], x, output=bad), Verdict.LEAK)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("tuple", "got tuple of 2; select one with output=, for example output=0, or with a callable"),
        ("list", "got list of 2; select one with output=, for example output=0"),
        (
            "dict",
            "got dict with keys 'hidden', 'state'; select one with output=, for example output='hidden'",
        ),
        ("mapping with attributes", "got Mapping with keys 'hidden', 'state'; .* output='hidden'"),
        ("dataclass", "got Output with fields 'hidden', 'state'; .* output='hidden'"),
        ("named tuple", "got Named with fields 'hidden', 'state'; .* output='hidden'"),
    ],
)
def test_several_outputs_call_for_a_name(kind: str, message: str, x: Tensor) -> None:
    with pytest.raises(InvalidArgument, match=f"certify: .* must return one tensor, {message}"):
        certify(CASES[kind], x)


@pytest.mark.parametrize(
    ("kind", "output", "message"),
    [
        ("tuple", 2, "output=2 is not in what fn.x. returns: tuple of 2"),
        ("tuple", "hidden", "output='hidden' is not in what fn.x. returns: tuple of 2"),
        ("dict", "logits", "output='logits' is not in .*: dict with keys 'hidden', 'state'"),
        ("dict", 0, "output=0 is not in"),
        ("dataclass", 0, "output=0 is not in .*: Output with fields 'hidden', 'state'"),
        ("dataclass", "logits", "output='logits' is not in"),
        ("tuple", 1.5, r"output must be an index, a name, or a callable .* got 1\.5"),
        ("tuple", True, "output must be"),
        ("dataclass", lambda y: None, "must return one tensor, got NoneType; return a tensor"),
    ],
)
def test_a_wrong_name(kind: str, output: Any, message: str, x: Tensor) -> None:
    with pytest.raises(InvalidArgument, match=message) as caught:
        certify(CASES[kind], x, output=output)
    assert "\n" not in str(caught.value)


def test_a_callable_can_move_axes(x: Tensor) -> None:
    encoder = lambda x: {"h": x.cumsum(-1).mT}  # noqa: E731
    assert certify(encoder, x.mT, seq_dim=-1, output=lambda y: y["h"].mT).ok


def test_the_call_names_the_output(x: Tensor) -> None:
    assert "output='hidden'" in certify(CASES["dict"], x, output="hidden").call
    assert "output=hidden_of" in certify(CASES["dict"], x, output=hidden_of).call


def hidden_of(y: dict[str, Tensor]) -> Tensor:
    return y["hidden"]
