"""What the census says of runs over finite fields: every sign of a cell, for right models and for faults."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from block_case import block_case
from scanproof import Verdict, check_refinement
from scanproof.adapters.foreign import foreign
from scanproof.census.answers import refinements, streaming
from scanproof.census.kind import IMPLEMENTATIONS
from scanproof.census.subject import COLUMNS, Answer, Entry
from scanproof.census.table import cell, markdown

SHORT = 5


class Decaying(nn.Module):
    """A recurrence with a gate; steps may be wrong by a factor, and padding may leak into the state."""

    def __init__(self, wrong: float = 0.0, leak: float = 0.0, hidden: bool = False) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(3, 3, generator=generator))
        self.wrong, self.leak, self.hidden = wrong, leak, hidden
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Run over the whole sequence."""
        return self.extend(x, self.initial_state(x))[0]

    def initial_state(self, x: Tensor) -> Tensor:
        """Return zeros."""
        return torch.zeros_like(x[:, 0])

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Take one token."""
        y, h = self.extend(x, h)
        return y + self.wrong * y, h

    def extend(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Take several tokens."""
        outputs = []
        for token in x.unbind(1):
            gate = torch.sigmoid(token @ self.weight)
            h = gate * h + (1 - gate) * token
            outputs.append(torch.special.bessel_j0(h) if self.hidden else h)
        return torch.stack(outputs, 1), h

    def padded(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Run over rows that begin with padding."""
        kept = mask[..., None] + self.leak * ~mask[..., None]
        return self.extend(x * kept, self.initial_state(x))


def entry(model: Any) -> Entry:
    x = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(1))
    return Entry(name="a: b", package="a", version="1", answers=tuple(streaming(model, x, 0, short=SHORT)))


def signs(model: Any) -> dict[str, str]:
    found = entry(model)
    return {name: found.exactly(COLUMNS[name]) for name in ("streaming", "chunked prefill", "padding")}


def test_a_right_model_is_the_same_function_fed_in_any_way() -> None:
    assert signs(Decaying()) == dict.fromkeys(("streaming", "chunked prefill", "padding"), "=")


@pytest.mark.parametrize("wrong", [2.0**-40, 0.25])
def test_wrong_steps_are_another_function_whatever_their_size(wrong: float) -> None:
    found = entry(Decaying(wrong=wrong))
    assert cell(found, COLUMNS["streaming"]).startswith("✗")
    assert cell(found, COLUMNS["streaming"]).endswith("≠")
    assert cell(found, COLUMNS["chunked prefill"]).endswith("=")
    assert "over finite fields DIFFERENT" in markdown(IMPLEMENTATIONS, [found], "2026-01-02")


def test_padding_that_leaks_is_another_function() -> None:
    found = signs(Decaying(leak=0.5))
    assert (found["padding"], found["streaming"]) == ("≠", "=")
    assert found["chunked prefill"] == "="


def test_a_rounded_constant_may_explain_a_small_difference() -> None:
    found = entry(Decaying(wrong=1.1e-12))
    assert found.exactly(COLUMNS["streaming"]) == "≈"
    assert not found.findings


def test_what_has_no_rule_is_listed_with_its_reason() -> None:
    found = entry(Decaying(hidden=True))
    assert found.exactly(COLUMNS["padding"]) == "?"
    undecided = markdown(IMPLEMENTATIONS, [found], "2026-01-02").partition("## Not decided exactly")[2]
    assert "has no rule over a field" in undecided.partition("##")[0]


def test_a_column_that_is_decided_in_part_says_so() -> None:
    def said(check: str, exact: str) -> Answer:
        return Answer(check=check, verdict="STREAMS", evidence="", exact=exact)

    both = (said("steps", "EQUAL"), said("state returned", "INCONCLUSIVE"), said("rows reordered", ""))
    partly = Entry(name="a: b", package="a", version="1", answers=both)
    assert partly.exactly(COLUMNS["streaming"]) == "(=)"
    assert partly.exactly(COLUMNS["chunked prefill"]) == ""


def functions(fn: Callable[..., Any], gradients: bool = False) -> dict[str, Answer]:
    _, spec, x = block_case()
    run = partial(check_refinement, fn, spec, x, shrink=False, gradients=gradients)
    check = "refinement of gradients" if gradients else "refinement"
    return {answer.check: answer for answer in refinements({check: run})}


@pytest.mark.parametrize("gradients", [False, True])
def test_a_function_is_that_of_its_spec_or_another(gradients: bool) -> None:
    right, _, _ = block_case()
    name = "same function (gradients)" if gradients else "same function"

    def wrong(x: Tensor) -> Tensor:
        y: Tensor = right(x)
        return y + 2.0**-40 * y

    assert functions(right, gradients)[name].verdict == "EQUAL"
    said = functions(wrong, gradients)[name]
    assert Verdict[said.verdict] is Verdict.DIFFERENT
    assert "entries differ" in said.evidence


def test_a_kernel_outside_pytorch_is_opaque() -> None:
    right, _, _ = block_case()

    kernel = foreign(lambda x: right(torch.from_numpy(x.copy())).detach().numpy())
    said = functions(kernel)["same function"]
    assert (said.verdict, "opaque" in said.evidence) == ("NOT_APPLICABLE", True)
