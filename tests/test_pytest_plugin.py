"""The plugin as its users meet it: each test writes a small suite and runs pytest on it."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any, Never, Self

import jsonschema
import pytest
from numpy.typing import NDArray

from scanproof.lean import find
from scanproof.lean.errors import LeanUnavailable
from scanproof.refinement.oracle import Oracle
from scanproof.refinement.runners import Spec
from scanproof.streaming.model import State

pytest_plugins = ["pytester"]

MODELS = """
import pytest
import torch
from scanproof import DiagonalS4Spec, audit, certify, check_refinement

SPEC = DiagonalS4Spec(inProj=[[1.0]], a=[0.5], outProj=[[1.0]], skip=[[1.0]])

def decay(x):
    h, states = torch.zeros_like(x[:, 0]), []
    for u in x.unbind(1):
        h = 0.5 * h + u
        states.append(h)
    return torch.stack(states, 1) + x

def doubled(x):
    return 2 * decay(x)

def leaky(x):
    return x + x.flip(1)
"""
SUITE = """
pytestmark = pytest.mark.scanproof(shape=(2, 9, 1), spec=SPEC)

def test_causal(scanproof):
    assert scanproof.require(certify, decay).ok

def test_leaky(scanproof):
    scanproof.require(certify, leaky)

def test_refines(scanproof):
    assert scanproof.require(check_refinement, decay).verdict.name == "REFINES"

def test_doubled(scanproof):
    scanproof.require(check_refinement, doubled)

def test_audit(scanproof):
    assert scanproof.require(audit, decay).ok

def test_audit_leaky(scanproof):
    scanproof.require(audit, leaky)

def test_other():
    pass
"""


Run = Callable[..., pytest.RunResult]


class Loaded:
    """A plugin that keeps what runs import: pytester would have it imported again, and be other modules."""

    def __init__(self) -> None:
        self.modules: dict[str, ModuleType] = {}

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        suite = str(config.rootpath)
        for name, module in sys.modules.items():
            if not (getattr(module, "__file__", None) or "").startswith(suite):
                self.modules[name] = module


@pytest.fixture
def loaded() -> Iterator[Loaded]:
    loaded = Loaded()
    yield loaded
    for name, module in loaded.modules.items():
        sys.modules.setdefault(name, module)


@pytest.fixture
def run(loaded: Loaded, pytester: pytest.Pytester) -> Run:
    """Run pytest on a suite below the models, with the plugins it finds, in random order only if asked."""

    def run(suite: str, *options: str, how: str = "runpytest_inprocess") -> pytest.RunResult:
        pytester.makepyfile(test_suite=MODELS + suite)
        order = () if "randomly" in options else ("-p", "no:randomly")
        keeping = {"plugins": [loaded]} if how == "runpytest_inprocess" else {}
        result: pytest.RunResult = getattr(pytester, how)(
            "-p", "no:cacheprovider", *order, *options, **keeping
        )
        return result

    return run


def table_of(result: pytest.RunResult) -> list[list[str]]:
    section = re.split(r"^=.*= scanproof =.*\n", result.stdout.str(), flags=re.MULTILINE)[1].split("\n=")[0]
    return [line.split() for line in section.splitlines() if line.startswith(("✓", "✗", "?"))]


def test_verdicts_decide_and_are_tabulated(run: Run) -> None:
    result = run(SUITE)
    result.assert_outcomes(passed=4, failed=3)
    refuted, leak = ["✗", "REFUTED", "refinement"], ["✗", "LEAK"]
    assert sorted(table_of(result)) == sorted(
        [
            ["✓", "CAUSAL", "certificate", "test_suite.py::test_causal"],
            [*leak, "certificate", "test_suite.py::test_leaky"],
            ["✓", "REFINES", "refinement", "test_suite.py::test_refines"],
            [*refuted, "test_suite.py::test_doubled"],
            ["✓", "CAUSAL", "certificate", "test_suite.py::test_audit"],
            ["✓", "CAUSAL", "perturbation", "test_suite.py::test_audit"],
            ["✓", "CAUSAL", "prefix", "test_suite.py::test_audit"],
            ["✓", "INDEPENDENT", "batch", "test_suite.py::test_audit"],
            ["✓", "REFINES", "refinement", "test_suite.py::test_audit"],
            [*leak, "certificate", "test_suite.py::test_audit_leaky"],
            [*leak, "perturbation", "test_suite.py::test_audit_leaky"],
            [*leak, "prefix", "test_suite.py::test_audit_leaky"],
            ["✓", "INDEPENDENT", "batch", "test_suite.py::test_audit_leaky"],
            [*refuted, "test_suite.py::test_audit_leaky"],
        ]
    )
    result.stdout.fnmatch_lines(["theorems: *Runner.take_outputs_congr*"])


def test_messages_say_how_many_which_is_worst_what_was_allowed_and_the_theorem(run: Run) -> None:
    output = run(SUITE, "-k", "leaky or doubled").stdout.str()
    assert re.search(r"E +scanproof\S+CheckFailed: certificate: LEAK", output)
    assert re.search(r"4 of 4 cuts have gradient at a later input; greatest entry: \d", output)
    assert "Allowed: exactly 0" in output
    assert re.search(r"worst pair : t=\d <- s=\d: \|dy\[\d, \d, 0\] / dx\[\d, \d, 0\]\|", output)
    assert re.search(r"Outside the bound: \d+ of 18 entries \(\d+ %\)", output)
    assert re.search(r"Worst +: y at example \d, t \d, channel 0: got .*; error .* x bound", output)
    assert re.search(r"Allowed: an error of \S+ there, .*theorem runDiagonalTransitions_error", output)
    assert "audit: REFUTED: " in output
    assert "4 of 5 checks did not pass on leaky" in output
    shown = re.findall(r"^(\S+\.py):\d+: ", output, re.MULTILINE)
    assert set(shown) == {"test_suite.py"}, "frames of scanproof are hidden"


FIXTURE = """
@pytest.fixture
def checked(scanproof):
    scanproof.require(certify, decay)
    yield
    scanproof.require(certify, doubled)

@pytest.fixture
def leaking(scanproof):
    scanproof.require(certify, leaky)

@pytest.mark.scanproof(shape=(2, 9, 1))
def test_checked(checked):
    pass

@pytest.mark.scanproof(shape=(2, 9, 1))
def test_leaking(leaking):
    pass
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_what_fixtures_of_the_user_check_counts_once(
    run: Run, pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    result = run(FIXTURE, "--scanproof-json=found.json", *workers)
    result.assert_outcomes(passed=1, errors=1)
    causal = ["✓", "CAUSAL", "certificate", "test_suite.py::test_checked"]
    leak = ["✗", "LEAK", "certificate", "test_suite.py::test_leaking"]
    assert table_of(result) == [causal, causal, leak]
    found = [report["verdict"] for report in reports_of(pytester.path / "found.json")]
    assert found == ["CAUSAL", "CAUSAL", "LEAK"]


def test_a_marked_test_that_checks_nothing_does_not_pass(run: Run) -> None:
    result = run(
        """
pytestmark = pytest.mark.scanproof(shape=(2, 9, 1))

def test_forgets(scanproof):
    pass

def test_skipped(scanproof):
    pytest.skip("not here")

def test_other():
    pass
"""
    )
    result.assert_outcomes(passed=2, errors=1, skipped=1)
    assert "marked scanproof, and never calls scanproof.require: nothing is checked" in result.stdout.str()


def test_nobody_who_does_not_use_it_notices(run: Run) -> None:
    output = run("def test_other(): pass").stdout.str()
    assert "= scanproof =" not in output
    assert output.count("scanproof: ") == 1, "the header"


def test_the_nearest_marker_counts(run: Run) -> None:
    result = run(
        """
pytestmark = pytest.mark.scanproof(shape=(1, 4, 1), spec=SPEC)

@pytest.mark.scanproof(shape=(1, 5, 2), dtype="float64")
class TestMarked:
    def test_class(self, scanproof):
        assert (report := scanproof.require(certify, leaky_not)).T == 5 and report.dtype == "float64"

    @pytest.mark.scanproof(shape=(1, 6, 2))
    def test_method(self, scanproof):
        assert (report := scanproof.require(certify, leaky_not)).T == 6 and report.dtype == "float64"

    @pytest.mark.parametrize("T", [7, pytest.param(8, marks=pytest.mark.scanproof(shape=(1, 8, 2)))])
    def test_parameter(self, scanproof, T):
        assert scanproof.require(certify, leaky_not, *([torch.ones(1, 7, 2)] * (T == 7))).T == T

def leaky_not(x):
    return x.cumsum(1)

@pytest.mark.scanproof(spec=lambda fn: {decay: SPEC}[fn], dtype=torch.float64)
def test_spec_of_the_implementation(scanproof):
    report = scanproof.require(check_refinement, decay)
    assert (report.shape, report.dtype) == ((1, 4, 1), "float64")

def test_arguments_count_more(scanproof):
    x = torch.ones(2, 3, 1)
    assert scanproof.require(check_refinement, decay, SPEC, x, gradients=True).gradients == ("x",)

@pytest.mark.scanproof(checks=["prefix", "refinement"])
def test_checks(scanproof):
    said = {one.check: one.verdict.name for one in scanproof.require(audit, decay).checks}
    ran = {check for check, name in said.items() if name != "NOT_APPLICABLE"}
    assert ran == {"prefix", "refinement"}

def test_cases(scanproof):
    assert scanproof.require(check_refinement, decay, cases=3).drawn.cases == 3
"""
    )
    result.assert_outcomes(passed=8)


CERTIFIES = "\ndef test_it(scanproof): scanproof.require(certify, decay)"
IDLE = "\ndef test_it(scanproof): pass"


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        ("@pytest.mark.scanproof(shap=3)" + IDLE, "scanproof(shap=): the marker takes"),
        ("@pytest.mark.scanproof((2, 9, 1))" + IDLE, "scanproof((2, 9, 1)): the marker"),
        ("@pytest.mark.scanproof(shape=(1, 2, 1))\ndef test_it(): pass", "nothing is checked"),
        (CERTIFIES, "InvalidArgument: There is no input: give x, or mark"),
        (
            "def test_it(scanproof): scanproof.require(check_refinement, decay, x=torch.ones(1, 2, 1))",
            "InvalidArgument: There is no spec",
        ),
        (
            "@pytest.mark.scanproof(shape=(1, 2, 1), dtype='float31')" + CERTIFIES,
            "InvalidArgument: scanproof(dtype='float31') is no dtype",
        ),
        (
            "@pytest.mark.scanproof(shape='2,3')" + CERTIFIES,
            "InvalidArgument: scanproof(shape='2,3') is no shape; give whole numbers",
        ),
        (
            "@pytest.mark.scanproof(shape=(1, 0, 1))" + CERTIFIES,
            "InvalidArgument: scanproof(shape=(1, 0, 1)) is no shape",
        ),
        (
            "@pytest.mark.scanproof(shape=(1, 2, 1), checks=['refinement'])" + CERTIFIES,
            "scanproof(checks=) has no effect: no check of this test takes it",
        ),
        (
            "@pytest.mark.scanproof(shape=(1, 2, 1), spec=SPEC)" + CERTIFIES,
            "scanproof(spec=) has no effect: no check of this test takes it",
        ),
    ],
)
def test_wrong_use_is_said_in_a_sentence(run: Run, test: str, sentence: str) -> None:
    result = run(test)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert sentence in result.stdout.str()


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--scanproof-oracle=coq", "--scanproof-oracle is 'coq'; choose python or lean."),
        ("--scanproof-seed=x", "--scanproof-seed"),
    ],
)
def test_options_out_of_range(run: Run, option: str, sentence: str) -> None:
    result = run(SUITE, option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert sentence in result.stderr.str()


def reports_of(file: Path) -> list[dict[str, Any]]:
    content = json.loads(file.read_text())
    schema = json.loads(resources.files("scanproof.report").joinpath("schema.json").read_text())
    jsonschema.validate(content, schema)
    reports: list[dict[str, Any]] = content["reports"]
    return reports


def test_json_and_junit(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini(
        "[pytest]\nscanproof_json = reports/found.json\nscanproof_seed = 5\njunit_family = xunit1"
    )
    run(SUITE, "-k", "causal or doubled", "--junitxml=junit.xml")
    reports = reports_of(pytester.path / "reports" / "found.json")
    assert {report["subject"]: (report["verdict"], report["seed"]) for report in reports} == {
        "test_suite.py::test_causal": ("CAUSAL", 5),
        "test_suite.py::test_doubled": ("REFUTED", None),
    }
    tests = ElementTree.parse(pytester.path / "junit.xml").iter("testcase")
    properties = {
        test.get("name"): [tuple(p.attrib.values()) for p in test.iter("property")] for test in tests
    }
    assert properties == {
        "test_causal": [("scanproof certificate", "CAUSAL")],
        "test_doubled": [("scanproof refinement", "REFUTED")],
    }


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("test_suite.py/found.json", "test_suite.py cannot be a folder, for {root}/test_suite.py is a file"),
        ("test_suite.py/deep/found.json", "test_suite.py/deep cannot be a folder, for {root}/test_suite.py"),
        (".", "{root} is a folder; name a file in it."),
    ],
)
@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_json_that_cannot_be_written_is_refused_first(
    run: Run, pytester: pytest.Pytester, file: str, sentence: str, workers: tuple[str, ...]
) -> None:
    result = run(SUITE, f"--scanproof-json={file}", *workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (said,) = [line for line in result.errlines if line]
    assert said.startswith("ERROR: --scanproof-json: ")
    assert sentence.format(root=pytester.path) in said
    assert "passed" not in result.stdout.str()


@pytest.mark.parametrize(("test", "status"), [("causal", 3), ("leaky", 1)])
def test_json_that_fails_in_the_end_hides_no_result(
    run: Run, pytester: pytest.Pytester, test: str, status: int
) -> None:
    pytester.makeconftest(
        """
        from pathlib import Path
        from scanproof import pytest_checks

        def full(found, file):
            raise OSError(28, "No space left on device", str(file))

        pytest_checks.write = full
        """
    )
    result = run(SUITE, "-k", f"test_{test}", "--scanproof-json=found.json", how="runpytest_subprocess")
    assert result.ret == status
    result.assert_outcomes(**({"passed": 1} if test == "causal" else {"failed": 1}))
    assert len(table_of(result)) == 1
    result.stdout.fnmatch_lines(["found.json could not be written: No space left on device"])
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


def test_options_weigh_more_than_ini_keys(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nscanproof_json = other.json\nscanproof_seed = 5")
    run(SUITE, "-k", "causal", "--scanproof-json=found.json", "--scanproof-seed=6")
    assert [report["seed"] for report in reports_of(pytester.path / "found.json")] == [6]
    assert not (pytester.path / "other.json").exists()


def without_time(reports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: report[name] for name in ("subject", "check", "verdict", "reason", "worst", "seed")}
        for report in reports
    ]


def test_workers_and_random_order_find_the_same(run: Run, pytester: pytest.Pytester) -> None:
    plain = run(SUITE, "--scanproof-json=plain.json")
    spread = run(SUITE, "--scanproof-json=spread.json", "-n", "2", "-p", "randomly")
    assert "Using --randomly-seed=" in spread.stdout.str()
    spread.assert_outcomes(passed=4, failed=3)
    assert table_of(spread) == table_of(plain)
    found, wanted = (without_time(reports_of(pytester.path / f"{name}.json")) for name in ("spread", "plain"))
    assert found == wanted


def test_the_header(run: Run) -> None:
    assert "scanproof: oracle python (the Lean runners' float64 twin); toolchain none" in run("").stdout.str()


class Twin:
    """Stands in for the oracle, and knows what it was asked."""

    def __init__(self) -> None:
        self.asked, self.closed = 0, False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.closed = True

    def run(self, spec: Spec, x: NDArray[Any]) -> tuple[NDArray[Any], State]:
        self.asked += 1
        return spec.run(x)


class Lake:
    name = "lake"


@pytest.fixture
def twin(monkeypatch: pytest.MonkeyPatch) -> Twin:
    twin = Twin()
    monkeypatch.setattr(find, "find_toolchain", lambda project: Lake)
    monkeypatch.setattr(Oracle, "start", lambda: twin)
    return twin


@pytest.mark.parametrize("test", ["test_refines", "test_audit"])
def test_with_lean(run: Run, twin: Twin, test: str) -> None:
    result = run(SUITE, "-k", f"{test} and not leaky", "--scanproof-oracle=lean")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines("scanproof: oracle lean; toolchain lake, Lean 4.28.0")
    assert twin.asked
    assert twin.closed


def test_lean_does_not_start_where_nothing_is_refined(
    run: Run, monkeypatch: pytest.MonkeyPatch, twin: Twin
) -> None:
    monkeypatch.setattr(Oracle, "start", lambda: pytest.fail("the oracle is not needed"))
    run(SUITE, "-k", "test_causal", "--scanproof-oracle=lean").assert_outcomes(passed=1)


@pytest.mark.parametrize(("test", "kind"), [("test_refines", "failed"), ("test_audit", "failed")])
def test_lean_that_cannot_be_had_is_an_error(
    run: Run, monkeypatch: pytest.MonkeyPatch, test: str, kind: str
) -> None:
    def absent(*_: object) -> Never:
        raise LeanUnavailable("There is no Lean here.")

    monkeypatch.setattr(find, "find_toolchain", absent)
    monkeypatch.setattr(Oracle, "start", absent)
    result = run(SUITE, "-k", f"{test} and not leaky", "--scanproof-oracle=lean")
    result.assert_outcomes(**{kind: 1})
    output = result.stdout.str()
    assert "scanproof: oracle lean; toolchain none: There is no Lean here." in output
    assert re.search(r"^E +scanproof\.lean\.errors\.LeanUnavailable: There is no Lean here\.$", output, re.M)
    assert "✓ REFINES" not in output


def test_start_up_imports_neither_torch_nor_the_package(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --import-mode=importlib")
    pytester.makepyfile(
        """
        import sys

        def test_imports(request):
            assert request.config.pluginmanager.has_plugin("scanproof")
            loaded = {name for name in sys.modules if name.partition(".")[0] == "scanproof"}
            assert loaded == {"scanproof", "scanproof.pytest_plugin"}
            assert not {"torch", "numpy", "rich.console"} & set(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:xdist", "-p", "no:hypothesispytest")
    result.assert_outcomes(passed=1)


def test_a_program_may_import_the_package_before_pytest_does(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(early="import scanproof.errors", test_it="def test_it(): pass")
    program = "import scanproof, pytest, sys; sys.exit(pytest.main(['-W', 'error', '-p', 'early']))"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=pytester.path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
