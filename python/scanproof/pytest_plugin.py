"""The pytest plugin: the fixture ``scanproof``, and the marker ``scanproof``.

An entry point loads it into every run of pytest, so it imports torch and the rest of scanproof only when a
test asks for the fixture. PYTEST_DONT_REWRITE: its own messages say what was found.
"""

import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from scanproof.adapters.triton.watch import Watch
    from scanproof.pytest_checks import Entry, Scanproof
    from scanproof.refinement.oracle import Oracle

FIXTURE = "scanproof"
MARKINGS = ("shape", "dtype", "spec", "checks")
"""What the marker takes."""
ORACLES = ("python", "lean")

_ENTRIES = pytest.StashKey[list["Entry"]]()
_USED = pytest.StashKey[set[str]]()
_PASSED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options, and the same as ini keys."""
    group = parser.getgroup("scanproof", "checks of sequence models")
    for name, kind, text in (
        ("json", str, "write what was found to this file, as JSON"),
        ("oracle", str, "what computes the reference of check_refinement and audit: python or lean"),
        ("seed", int, "seed of inputs and checks (default: 0)"),
    ):
        group.addoption(f"--scanproof-{name}", type=kind, default=None, help=text)
        parser.addini(f"scanproof_{name}", text, default=None)
    text = "run Triton kernels on the CPU, under Triton's interpreter (sets TRITON_INTERPRET=1)"
    group.addoption("--scanproof-interpret", action="store_true", default=False, help=text)
    parser.addini("scanproof_interpret", text, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and refuse options out of range."""
    config.addinivalue_line(
        "markers",
        "scanproof(spec=, shape=, dtype=, checks=): what scanproof.require gives a check that is called "
        "without it: the spec (or a function from fn to it), the shape and dtype of a random input, the "
        "checks of an audit.",
    )
    if _interprets(config):
        if "triton" in sys.modules:
            raise pytest.UsageError(
                "--scanproof-interpret: triton was imported before; let no plugin and no conftest import it."
            )
        os.environ["TRITON_INTERPRET"] = "1"
    if setting(config, "oracle") not in (None, *ORACLES):
        raise pytest.UsageError(
            f"--scanproof-oracle is {setting(config, 'oracle')!r}; choose {' or '.join(ORACLES)}."
        )
    if not (setting(config, "seed") or "0").isdigit():
        raise pytest.UsageError(f"--scanproof-seed is {setting(config, 'seed')!r}; give a whole number >= 0.")
    if (file := setting(config, "json")) is not None:
        from scanproof.outputs import file_problem

        if problem := file_problem(config.rootpath / file):
            raise pytest.UsageError(f"--scanproof-json: {problem}")


def setting(config: pytest.Config, name: str) -> str | None:
    """Return an option as text, else the ini key of its name; None where neither is given."""
    given = config.getoption(f"scanproof_{name}")
    if given is None:
        given = config.getini(f"scanproof_{name}") or None
    return None if given is None else str(given)


def _interprets(config: pytest.Config) -> bool:
    return bool(config.getoption("scanproof_interpret") or config.getini("scanproof_interpret"))


def pytest_report_header(config: pytest.Config) -> str:
    """Say which oracle is used, and which Lean."""
    if setting(config, "oracle") != "lean":
        return "scanproof: oracle python (the Lean runners' float64 twin); toolchain none"
    from scanproof.pytest_checks import toolchain

    return f"scanproof: oracle lean; toolchain {toolchain()}"


@pytest.fixture(scope="session")
def _scanproof_oracle(request: pytest.FixtureRequest) -> "Iterator[Callable[[], Oracle | None]]":
    """Give the oracle to those who ask, and start it when the first one does."""
    with ExitStack() as stack:

        @cache
        def oracle() -> "Oracle | None":
            if setting(request.config, "oracle") != "lean":
                return None
            from scanproof.refinement.oracle import Oracle

            return stack.enter_context(Oracle.start())

        yield oracle


@pytest.fixture
def scanproof(
    request: pytest.FixtureRequest, _scanproof_oracle: "Callable[[], Oracle | None]"
) -> "Scanproof":
    """``scanproof.require(check, fn, ...)``: run a check of scanproof, and require that it passes."""
    from scanproof.pytest_checks import Scanproof

    return Scanproof(
        seed=int(setting(request.config, "seed") or 0),
        _marked=_marked(request.node),
        _used=request.node.stash[_USED],
        _oracle=_scanproof_oracle,
        _recording=setting(request.config, "json") is not None,
        _entries=request.node.stash[_ENTRIES],
        _properties=request.node.user_properties,
    )


@pytest.fixture
def scanproof_triton(request: pytest.FixtureRequest) -> "Iterator[Watch]":
    """Run the Triton kernels of the test under Triton's interpreter, and fail on what must not be.

    The test fails if a kernel reads or writes outside its tensors, if programs race, or if no kernel was
    launched. The fixture is the watch: what was launched and seen. Without ``--scanproof-interpret`` the test
    is skipped.
    """
    if not _interprets(request.config):
        pytest.skip("runs Triton's interpreter: pytest --scanproof-interpret")
    from scanproof.adapters.triton.interpreter import interpreted

    with interpreted() as watch:
        yield watch
    if problem := watch.problem:
        pytest.fail(problem, pytrace=False)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a marker that would have no effect."""
    item.stash[_ENTRIES], item.stash[_PASSED] = [], False
    used: set[str] = set()
    item.stash[_USED] = used
    _marked(item)
    if any(mark.name == "scanproof" for mark in item.own_markers) and not _takes_fixture(item):
        pytest.fail("marked scanproof, but does not take the fixture scanproof: nothing is checked", False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Refuse a marked test that passed although nothing was checked, or a marking that nothing used."""
    yield
    if not (item.stash.get(_PASSED, False) and _takes_fixture(item)):
        return
    if not item.stash[_ENTRIES] and item.get_closest_marker("scanproof"):
        pytest.fail("marked scanproof, and never calls scanproof.require: nothing is checked", False)
    own = {name for mark in item.own_markers if mark.name == "scanproof" for name in mark.kwargs}
    for name in MARKINGS:
        if name in own and name not in item.stash[_USED]:
            pytest.fail(f"scanproof({name}=) has no effect: no check of this test takes it", False)


def _takes_fixture(item: pytest.Item) -> bool:
    return FIXTURE in getattr(item, "fixturenames", ())


def _marked(item: pytest.Item) -> dict[str, Any]:
    """Return what the markers of a test set; the nearest one counts."""
    settings: dict[str, Any] = {}
    for mark in item.iter_markers("scanproof"):
        if mark.args or not set(MARKINGS) >= mark.kwargs.keys():
            given = ", ".join([*map(repr, mark.args), *(f"{name}=" for name in mark.kwargs)])
            pytest.fail(f"scanproof({given}): the marker takes {', '.join(sorted(MARKINGS))}, by name", False)
        settings = {**mark.kwargs, **settings}
    return settings


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the last report of a test carry what it and its fixtures checked, also from a worker of xdist."""
    report = yield
    if call.when == "call":
        item.stash[_PASSED] = report.passed
    if call.when == "teardown":
        report.scanproof = item.stash.get(_ENTRIES, [])  # type: ignore[attr-defined]
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Tabulate the verdicts, and write the JSON report."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    carriers = sorted((one for one in reports if getattr(one, "scanproof", [])), key=lambda one: one.nodeid)
    found = [(one.nodeid, entry) for one in carriers for entry in one.scanproof]
    file = setting(config, "json")
    if not found and file is None:
        return
    from scanproof.pytest_checks import show, write

    terminalreporter.section("scanproof")
    show(found, terminalreporter)
    if file is None:
        return
    try:
        write(found, config.rootpath / file)
        terminalreporter.write_line(f"wrote {file}")
    except OSError as error:
        terminalreporter.write_line(f"{file} could not be written: {error.strerror}", red=True)
        session: Any = config.pluginmanager.get_plugin("session")
        session.exitstatus = session.exitstatus or pytest.ExitCode.INTERNAL_ERROR
