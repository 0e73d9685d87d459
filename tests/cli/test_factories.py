"""What ``audit``, ``certify`` and ``refine`` make of what the user names, and of what is wrong with it."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Never

import pytest
from markupsafe import escape
from typer.testing import CliRunner, Result

from scanproof.causality.gradients import certificate
from scanproof.cli.app import app
from scanproof.lean.errors import LeanUnavailable
from scanproof.refinement.oracle import Oracle
from scanproof.report import html

MODULE = """
import torch
from scanproof import DiagonalS4Spec

def causal():
    return lambda x: x.cumsum(1)

def leaky():
    return torch.nn.Sequential(Flip())

class Flip(torch.nn.Module):
    def forward(self, x):
        return x + x.flip(1)

def doubled():
    return lambda x: 2 * x, DiagonalS4Spec(inProj=[[1.0]], a=[0.0], outProj=[[1.0]], skip=[[1.0]])

def tripled():
    return {"fn": lambda x: 3 * x, "spec": doubled()[1], "x": torch.ones(1, 5, 1)}

def weights():
    return torch.nn.Linear(1, 1)

def silent():
    return lambda x: x * 0

def needy(width):
    return causal()

def nothing():
    pass

def failing():
    return 1 / 0

def leaving():
    raise SystemExit(0)

def skipping():
    import pytest
    pytest.skip("no weights here")

def leaving_later():
    return lambda x: leaving(), doubled()[1]

def leaving_second():
    calls = []
    def run(x):
        calls.append(x)
        return x.cumsum(1) if len(calls) == 1 else leaving()
    return run

async def later():
    return causal()

model = Flip()

class Backward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, g):
        raise ValueError("no way back")

def one_way():
    return Backward.apply, doubled()[1]

def overwriting():
    def run(x):
        y = x.exp()
        return y.mul_(2)
    return run

def misspelt():
    return {"fn": causal(), "foo": 3}

def aligned():
    from scanproof import Alignment
    return {"fn": doubled()[0], "spec": doubled()[1], "alignment": Alignment.shift(1)}
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "made.py").write_text(MODULE)
    (tmp_path / "broken.py").write_text("import no_such_dependency\n")
    (tmp_path / "unfinished.py").write_text("def f(:\n")
    (tmp_path / "script.py").write_text("import sys\nsys.exit(0)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in ("made", "broken", "unfinished", "script"):
        sys.modules.pop(name, None)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize(
    ("command", "name", "code", "verdict"),
    [
        ("certify", "causal", 0, "✓ CAUSAL"),
        ("certify", "leaky", 1, "✗ LEAK"),
        ("certify", "silent", 3, "? INCONCLUSIVE"),
        ("certify", "doubled", 0, "✓ CAUSAL"),
        ("refine", "doubled", 0, "✓ REFINES"),
        ("audit", "leaky", 1, "✗ LEAK"),
        ("audit", "doubled", 0, "✓ REFINES"),
    ],
)
def test_verdicts_and_exit_codes(command: str, name: str, code: int, verdict: str) -> None:
    result = run(command, f"made:{name}", "--shape", "2,5,1")
    assert result.exit_code == code
    assert result.stdout.startswith(f"{verdict}  made:{name}\n")
    assert len(result.stdout.splitlines()) > 5
    quiet = run(command, f"made:{name}", "--shape", "2,5,1", "--quiet")
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (code, f"{verdict}  made:{name}\n", "")


def test_a_factory_may_give_the_input() -> None:
    result = run("refine", "made:tripled", "--json")
    assert result.exit_code == 1
    (report,) = json.loads(result.stdout)["reports"]
    assert report["subject"] == "made:tripled"
    assert report["fields"]["shape"] == [1, 5, 1]


def test_the_seed_is_that_of_the_factory_too() -> None:
    def leak(seed: str) -> Any:
        found = run("certify", "made:leaky", "--shape", "2,5,1", "--seed", seed, "--json").stdout
        return json.loads(found)["reports"][0]["worst"]

    assert leak("1") == leak("1")
    assert run("certify", "made:weights", "--shape", "2,5,1", "--seed", "3").exit_code == 0


def test_options_reach_the_check() -> None:
    coded = run("certify", "made:causal", "--shape", "1,5,1", "--cuts", "coded", "--dtype", "float64")
    assert "coded cuts" in coded.stdout
    assert "float64 on cpu" in coded.stdout
    assert (
        "random-K=3 cuts"
        in run("certify", "made:causal", "--shape", "1,5,1", "--cuts", "rand", "--K", "3").stdout
    )
    gradients = run("refine", "made:doubled", "--shape", "1,5,1", "--gradients", "--rounding", "bfloat16")
    assert "gradients : at x" in gradients.stdout
    assert "unit roundoff 0.00391" in gradients.stdout


def test_one_check_alone() -> None:
    result = run("audit", "made:doubled", "--shape", "2,5,1", "--check", "refinement", "--quiet")
    assert (result.exit_code, result.stdout) == (0, "✓ REFINES  made:doubled\n")


def test_page_and_document_say_the_command_that_repeats_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["certify", "made:leaky", "--shape", "2, 5, 1", "--json", "--html", "page.html"]
    monkeypatch.setattr(sys, "argv", ["/venv/bin/scanproof", *arguments])
    result = run(*arguments)
    assert result.exit_code == 1
    command = "scanproof certify made:leaky --shape '2, 5, 1' --json --html page.html"
    assert json.loads(result.stdout)["command"] == command
    assert escape(command) in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(("name", "code", "verdict"), [("leaky", 1, "✗ LEAK"), ("causal", 3, "✓ CAUSAL")])
def test_a_page_that_fails_in_the_end_does_not_hide_the_verdict(
    monkeypatch: pytest.MonkeyPatch, name: str, code: int, verdict: str
) -> None:
    def full(document: object, path: object) -> Never:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(html, "write", full)
    result = run("certify", f"made:{name}", "--shape", "2,5,1", "--html", "page.html", "--quiet")
    assert (result.exit_code, result.stdout) == (code, f"{verdict}  made:{name}\n")
    assert result.stderr == "--html page.html could not be written: No space left on device.\n"


@pytest.mark.parametrize("command", ["certify", "refine"])
def test_what_raises_while_it_is_checked_is_said_in_a_sentence(command: str, tmp_path: Path) -> None:
    gradients = {"certify": ["--cuts", "all"], "refine": ["--gradients"]}
    result = run(command, "made:one_way", "--shape", "2,5,1", *gradients[command])
    assert (result.exit_code, result.stdout) == (3, "")
    line = 1 + MODULE[: MODULE.index("raise ValueError")].count("\n")
    assert result.stderr.splitlines()[-1] == (
        f"{command}: nothing was established, for made:one_way raised ValueError: no way back "
        f"({tmp_path / 'made.py'}, line {line})."
    )


def test_what_leaves_in_the_middle_of_a_check_does_not_pass() -> None:
    result = run("certify", "made:leaving_second", "--shape", "2,5,1", "--quiet")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith(
        "certify: nothing was established, for made:leaving_second raised SystemExit: 0 ("
    )


def test_what_pytorch_raises_about_it_is_said_in_a_sentence() -> None:
    result = run("certify", "made:overwriting", "--shape", "2,5,1", "--cuts", "all", "--quiet")
    assert result.exit_code == 3
    assert "made:overwriting raised RuntimeError: one of the variables needed for gradient" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_fault_of_a_check_stays_one_and_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    source = compile("def faulty(*arguments, **options): return len(3)", certificate.__file__, "exec")
    faulty: dict[str, Any] = {}
    exec(source, faulty)
    monkeypatch.setattr(certificate, "_certify", faulty["faulty"])
    result = run("certify", "made:causal", "--shape", "2,5,1", "--cuts", "all", "--quiet")
    assert result.exit_code == 3
    assert "Traceback" in result.stderr
    assert result.stderr.endswith("Nothing was established. Please report the traceback.\n")


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("made", "name it as package.module:name, got 'made'."),
        ("made:", "name it as package.module:name, got 'made:'."),
        ("maid:causal", "there is no module maid; did you mean made?"),
        ("scanproof.causalty:x", "there is no module scanproof.causalty; did you mean scanproof.causality?"),
        ("made:casual", "made has no casual; did you mean causal?"),
        ("broken:f", "importing broken raised ModuleNotFoundError: No module named 'no_such_dependency' ("),
        ("script:f", "importing script raised SystemExit: 0 ("),
        ("unfinished:f", "importing unfinished raised SyntaxError: invalid syntax (unfinished.py, line 1)."),
        (
            "made:needy",
            "made:needy takes width; name a function without arguments that returns fn, a function or module",
        ),
        ("made:nothing", "made:nothing returned None; return fn, a function or module"),
        ("made:failing", "made:failing raised ZeroDivisionError: division by zero ("),
        ("made:leaving", "made:leaving raised SystemExit: 0 ("),
        ("made:leaving_later", "on input (2, 5, 1), fn of the factory raised SystemExit: 0 ("),
        ("made:skipping", "made:skipping raised Skipped: no weights here ("),
        ("made:later", "made:later is async; name a function that returns without await."),
        ("made:model", "made:model is a Flip; name a function without arguments"),
        ("made:MODULE", "made has no MODULE"),
        ("made:misspelt", "made:misspelt returned a mapping with 'foo'; "),
        ("builtins:dict", "builtins:dict returned a dict; return fn, a function or module"),
    ],
)
@pytest.mark.parametrize("command", ["audit", "certify", "refine"])
def test_mistakes_in_the_users_code_are_sentences(command: str, target: str, sentence: str) -> None:
    result = run(command, target, "--shape", "2,5,1", "--quiet")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{command}: {sentence}")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["certify", "made:causal"],
            "certify: the shape of the input is missing; give --shape, such as 2,64,32",
        ),
        (["certify", "made:causal", "--shape", "2,x"], "certify: --shape is '2,x'; give whole numbers"),
        (
            ["refine", "made:aligned", "--shape", "2,5,1"],
            "refine: made:aligned returned a mapping with 'alignment'; refine takes fn, spec, x.",
        ),
        (
            ["certify", "made:causal", "--shape", "99999999,9999999"],
            "certify: an input of shape (99999999, 9999999) does not fit into memory; choose smaller",
        ),
        (
            ["audit", "made:causal", "--shape", "9" * 30, "--vocab-size", "3"],
            f"audit: an input of shape ({'9' * 30},) does not fit into memory; choose smaller",
        ),
        (["audit", "made:causal", "--shape", "2,0,1"], "audit: --shape is '2,0,1'; give whole numbers"),
        (["audit", "made:causal", "--shape", "2,5,1", "--dtype", "int8"], "audit: --dtype must be one of"),
        (
            ["audit", "made:causal", "--shape", "2,5,1", "--device", "abacus"],
            "audit: this machine cannot use --device 'abacus'",
        ),
        (["certify", "made:causal", "--shape", "2,5,1", "--cuts", "some"], "certify: cuts must be one of"),
        (
            ["certify", "made:weights", "--shape", "2,5,3"],
            "certify: on input (2, 5, 3), fn of the factory raised",
        ),
        (["refine", "made:causal", "--shape", "2,5,1"], "refine: made:causal returned no spec; return"),
        (["refine", "made:tripled", "--shape", "2,5,1"], "refine: the factory gives x; leave --shape out."),
        (
            ["refine", "made:doubled", "--shape", "2,5,1", "--oracle", "delphi"],
            "refine: --oracle is 'delphi'",
        ),
        (
            ["refine", "made:doubled", "--shape", "2,5,1", "--rounding", "int8"],
            "refine: --rounding must be one of float32,",
        ),
    ],
)
def test_wrong_options_are_sentences(arguments: tuple[str, ...], sentence: str) -> None:
    result = run(*arguments, "--quiet")
    assert result.exit_code == 2
    assert result.stderr.startswith(sentence)
    assert len(result.stderr.splitlines()) == 1


def test_an_oracle_that_cannot_be_had_is_replaced_by_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> Never:
        raise LeanUnavailable("There is no Lean here.")

    monkeypatch.setattr(Oracle, "start", absent)
    result = run("refine", "made:doubled", "--shape", "2,5,1", "--oracle", "lean", "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (3, "", "There is no Lean here.\n")
