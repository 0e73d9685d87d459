"""One call runs what applies, says what does not, and never takes a refusal for a pass."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from typer.testing import CliRunner, Result

from block_case import scalar_s4
from scanproof import (
    InvalidArgument,
    MinGru,
    SelectiveScanFn,
    Verdict,
    audit,
    selective_scan,
    table,
)
from scanproof.auditing.report import AuditReport
from scanproof.cli.app import app
from verdicts import present

SPEC = scalar_s4(inProj=1.0, a=0.5, outProj=1.0, skip=0.0)
FACTORY = """
import torch

def mean_over_time():
    return lambda x: x - x.mean(1, keepdim=True)

def pointwise():
    return torch.nn.SiLU()

def with_spec():
    from scanproof import DiagonalS4Spec
    spec = DiagonalS4Spec(inProj=[[1.0]], a=[0.0], outProj=[[1.0]], skip=[[1.0]])
    return {"fn": lambda x: 2 * x, "spec": spec}

def ids():
    return lambda ids: torch.nn.functional.one_hot(ids, 11).float().cumsum(1)

def nothing():
    return 3

def no_fn():
    return {"spec": None}

number = 3
"""


def decay(x: Tensor) -> Tensor:
    h, states = torch.zeros_like(x[:, 0]), []
    for token in x.unbind(1):
        h = 0.5 * h + token
        states.append(h)
    return torch.stack(states, 1)


def tokens(*shape: int) -> Tensor:
    return torch.randn(shape or (2, 13, 1), generator=torch.Generator().manual_seed(0))


def verdicts(report: AuditReport) -> dict[str, Verdict]:
    return {one.check: one.verdict for one in report.checks}


def test_everything_that_applies_runs() -> None:
    report = audit(decay, tokens(), spec=SPEC)
    assert report.ok
    *checks, streaming = report.checks
    assert [entry.check for entry in checks] == [
        "certificate",
        "perturbation",
        "prefix",
        "batch",
        "refinement",
    ]
    assert all(entry.verdict.passed and entry.report for entry in checks), report.summary()
    assert streaming.verdict is Verdict.NOT_APPLICABLE
    assert verdicts(report)["refinement"] is Verdict.REFINES


def test_a_finding_decides() -> None:
    report = audit(lambda x: 2 * decay(x), tokens(), spec=SPEC)
    assert report.verdict is Verdict.REFUTED
    assert verdicts(report)["certificate"].passed


def test_what_does_not_apply_says_why_and_does_not_decide() -> None:
    report = audit(decay, tokens(1, 13, 1))
    said = {one.check: one.evidence for one in report.checks}
    assert said["refinement"] == "no spec is given"
    assert said["batch"] == "x has only one example"
    assert report.ok
    assert said["streaming"] == "fn has no initial_state(x) and step(x, state)"
    ids = audit(
        lambda x: torch.nn.functional.one_hot(x, 5).cumsum(1),
        torch.arange(10).reshape(2, 5) % 5,
        vocab_size=5,
    )
    assert verdicts(ids)["certificate"] is Verdict.NOT_APPLICABLE
    assert verdicts(ids)["perturbation"] is Verdict.CAUSAL
    assert verdicts(ids)["prefix"] is Verdict.CAUSAL


def test_what_raises_in_a_check_is_inconclusive_there() -> None:
    def picky(x: Tensor) -> Tensor:
        if x.shape[1] != 13:
            raise RuntimeError("thirteen")
        return decay(x)

    report = audit(picky, tokens())
    assert verdicts(report)["prefix"] is Verdict.INCONCLUSIVE
    assert "thirteen" in report.summary()
    assert verdicts(report)["perturbation"].passed
    assert not report.ok


def test_it_is_plain() -> None:
    report = audit(decay, tokens(), name="decay", seed=5)
    whole, *checks = json.loads(report.to_json())["reports"]
    assert whole["subject"] == "decay"
    assert whole["seed"] == 5
    assert [each["check"] for each in checks] == [row.check for row in report.rows()]
    assert table(report.rows()).row_count == len(report.checks) + 1


def test_several_inputs_and_outputs() -> None:
    x = {"a": tokens(2, 13, 3), "b": tokens(2, 13, 3)}
    report = audit(lambda a, b, scale: (a * b * scale, None), x, output=0, kwargs={"scale": 2.0}, spec=SPEC)
    assert report.ok
    assert verdicts(report)["refinement"] is Verdict.NOT_APPLICABLE
    picked = audit(
        lambda x, scale: (scale * decay(x), None), tokens(), output=0, kwargs={"scale": 1}, spec=SPEC
    )
    assert verdicts(picked)["refinement"] is Verdict.REFINES


class Shifted(torch.nn.Module):
    """A language model that shifts its labels the wrong way, so that output t reads token t + 1."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def get_input_embeddings(self) -> nn.Module:
        return self.model.get_input_embeddings()

    def forward(self, input_ids: Tensor | None = None, inputs_embeds: Tensor | None = None) -> Any:
        given = input_ids if inputs_embeds is None else inputs_embeds
        shifted = present(given).roll(-1, 1)
        names = {"input_ids": shifted} if inputs_embeds is None else {"inputs_embeds": shifted}
        return self.model(**names)


@pytest.fixture(scope="module")
def language_model() -> nn.Module:
    transformers = pytest.importorskip("transformers")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = transformers.LlamaConfig(
            vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2
        )
        return transformers.LlamaForCausalLM(config).eval()


def test_a_causal_language_model_is_one_line(language_model: Any) -> None:
    ids = torch.randint(0, 32, (2, 9), generator=torch.Generator().manual_seed(0))
    good = audit(language_model, ids)
    assert good.ok, good.summary()
    assert verdicts(good)["certificate"] is Verdict.CAUSAL
    leaky = audit(Shifted(language_model), ids)
    found = {check for check, verdict in verdicts(leaky).items() if verdict is Verdict.LEAK}
    assert found == {"certificate", "perturbation", "prefix"}


def test_a_module_with_one_embedding_is_certified_at_its_embeddings() -> None:
    model = torch.nn.Sequential(torch.nn.Embedding(7, 3), torch.nn.Linear(3, 7))
    report = audit(model, torch.arange(10).reshape(2, 5) % 7)
    assert verdicts(report)["certificate"] is Verdict.CAUSAL
    two = torch.nn.ModuleList([torch.nn.Embedding(7, 3), torch.nn.Embedding(7, 3)])
    two.forward = lambda ids: two[0](ids) + two[1](ids)
    said = {one.check: one.evidence for one in audit(two, torch.arange(10).reshape(2, 5) % 7).checks}
    assert "the embedding of fn was not found" in said["certificate"]


def gru(gate: Tensor, candidate: Tensor, initial_state: Tensor | None = None) -> Tensor:
    h = torch.zeros_like(gate[:, 0]) if initial_state is None else initial_state
    states = []
    for z, c in zip(gate.sigmoid().unbind(1), candidate.unbind(1), strict=True):
        h = (1 - z) * h + z * c
        states.append(h)
    return torch.stack(states, 1)


def test_a_kernel_is_refined_and_its_tokens_are_looked_at() -> None:
    x = {"gate": tokens(2, 9, 4), "candidate": tokens(2, 9, 4)}
    report = audit(gru, x, spec=MinGru())
    assert report.ok, report.summary()
    assert verdicts(report)["refinement"] is Verdict.REFINES
    late = audit(lambda gate, candidate: gru(gate, candidate.roll(1, 1)), x, spec=MinGru())
    assert verdicts(late)["refinement"] is Verdict.REFUTED
    leaky = audit(lambda gate, candidate: gru(gate, candidate.flip(1)), x, spec=MinGru())
    assert verdicts(leaky)["certificate"] is Verdict.LEAK


def test_a_scan_is_refined_with_the_signature_of_the_ecosystem() -> None:
    u = torch.randn(2, 3, 9, generator=torch.Generator().manual_seed(0))
    x = {
        "u": u,
        "delta": u.abs(),
        "A": -torch.ones(3, 4),
        "B": u[:, :1].expand(2, 4, 9),
        "C": u[:, 1:2].expand(2, 4, 9),
    }
    report = audit(selective_scan, x | {"delta_softplus": True}, spec=SelectiveScanFn())
    assert report.ok, report.summary()
    assert verdicts(report)["refinement"] is Verdict.REFINES
    assert verdicts(report)["certificate"] is Verdict.CAUSAL


def test_only_what_is_asked_for_runs() -> None:
    report = audit(decay, tokens(), checks=["prefix"])
    assert {check for check, verdict in verdicts(report).items() if verdict.passed} == {"prefix"}
    assert report.ok
    assert not audit(decay, tokens(), checks=["refinement"]).ok, "what is asked for and cannot run is no pass"
    for wrong in (["prefixes"], [], "prefix"):
        with pytest.raises(InvalidArgument, match="audit: checks must be some of certificate, "):
            audit(decay, tokens(), checks=wrong)


def test_a_wrong_call() -> None:
    with pytest.raises(InvalidArgument, match="audit: x must be a tensor"):
        audit(decay, 3)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="train mode"):
        audit(torch.nn.Dropout(), tokens())


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    (tmp_path / "made_for_audit.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [str(tmp_path), *sys.path])

    def run(name: str, *options: str, shape: str = "2,13,1") -> Result:
        arguments = ["audit", f"made_for_audit:{name}", "--shape", shape, *options]
        return CliRunner().invoke(app, arguments)

    yield run
    sys.modules.pop("made_for_audit", None)


def test_the_command(command: Callable[..., Result]) -> None:
    quiet = command("pointwise", "--quiet")
    assert quiet.exit_code == 0
    assert quiet.stdout == "✓ CAUSAL  made_for_audit:pointwise\n"
    leak = command("mean_over_time", "--json", "--seed", "3")
    assert leak.exit_code == 1
    whole, mapped, *_ = json.loads(leak.stdout)["reports"]
    assert (whole["verdict"], whole["seed"]) == ("LEAK", 3)
    assert mapped["leakage"]["outputs"] == 13
    refined = json.loads(command("with_spec", "--json").stdout)["reports"]
    assert {report["check"]: report["verdict"] for report in refined}["refinement"] == "REFINES"
    assert command("pointwise", "--html", "page.html").exit_code == 0
    assert "<title>" in Path("page.html").read_text()
    assert command("ids", "--vocab-size", "11", shape="2,13").exit_code == 0
