"""The pytest plugin: fixtures ``audit``, ``certify`` and ``refine``, and the marker ``scanproof``.

An entry point loads it into every run of pytest, so it imports torch and the rest of scanproof only when a
test asks for a fixture. PYTEST_DONT_REWRITE: its own messages say what was found.
"""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from scanproof.pytest_checks import Check, Entry
    from scanproof.refinement.oracle import Oracle

FIXTURES = frozenset({"audit", "certify", "refine"})
READ_BY: dict[str, frozenset[str]] = {
    "shape": FIXTURES,
    "dtype": FIXTURES,
    "spec": frozenset({"audit", "refine"}),
    "checks": frozenset({"audit"}),
}
"""What the marker takes, and which fixtures read it."""
ORACLES = ("python", "lean")

_ENTRIES = pytest.StashKey[list["Entry"]]()
_PASSED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options, and the same as ini keys."""
    group = parser.getgroup("scanproof", "checks of sequence models")
    for name, kind, text in (
        ("json", str, "write what was found to this file, as JSON"),
        ("oracle", str, "what computes the reference of refine and audit: python (default) or lean"),
        ("seed", int, "seed of inputs and checks (default: 0)"),
    ):
        group.addoption(f"--scanproof-{name}", type=kind, default=None, help=text)
        parser.addini(f"scanproof_{name}", text, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and refuse options out of range."""
    config.addinivalue_line(
        "markers",
        "scanproof(spec=, shape=, dtype=, checks=): what the fixtures audit, certify and refine take unless "
        "the call says otherwise: the spec (or a function from the implementation to it), the shape and "
        "dtype of a random input, the checks of an audit.",
    )
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


def pytest_report_header(config: pytest.Config) -> str:
    """Say which oracle is used, and which Lean."""
    if setting(config, "oracle") != "lean":
        return "scanproof: oracle python (the Lean runners' float64 twin); toolchain none"
    from scanproof.pytest_checks import toolchain

    return f"scanproof: oracle lean; toolchain {toolchain()}"


@pytest.fixture(scope="session")
def _scanproof_oracle(request: pytest.FixtureRequest) -> "Iterator[Oracle | None]":
    if setting(request.config, "oracle") != "lean":
        yield None
        return
    from scanproof.refinement.oracle import Oracle

    with Oracle.start() as oracle:
        yield oracle


@pytest.fixture
def certify(request: pytest.FixtureRequest) -> "Check":
    """``certify(fn, x=None, **options)``: assert that ``fn`` is strictly causal."""
    from scanproof.pytest_checks import certify

    return certify(_setup(request))


@pytest.fixture
def refine(request: pytest.FixtureRequest, _scanproof_oracle: "Oracle | None") -> "Check":
    """``refine(impl, spec=None, x=None, **options)``: assert that ``impl`` refines ``spec``."""
    from scanproof.pytest_checks import refine

    return refine(_setup(request), _scanproof_oracle)


@pytest.fixture
def audit(request: pytest.FixtureRequest) -> "Check":
    """``audit(fn, x=None, **options)``: assert that ``fn`` passes every check that applies."""
    from scanproof.pytest_checks import audit

    return audit(_setup(request), lambda: request.getfixturevalue("_scanproof_oracle"))


def _setup(request: pytest.FixtureRequest) -> Any:
    from scanproof.pytest_checks import Setup

    return Setup(
        marked=_marked(request.node),
        seed=int(setting(request.config, "seed") or 0),
        recording=setting(request.config, "json") is not None,
        entries=request.node.stash[_ENTRIES],
        properties=request.node.user_properties,
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a marker that would have no effect."""
    item.stash[_ENTRIES], item.stash[_PASSED] = [], False
    _marked(item)
    taken = _taken(item)
    for mark in item.own_markers:
        if mark.name != "scanproof":
            continue
        if not taken:
            names = ", ".join(sorted(FIXTURES))
            pytest.fail(
                f"marked scanproof, but takes none of the fixtures {names}: nothing is checked", False
            )
        for name in mark.kwargs:
            if taken.isdisjoint(READ_BY[name]):
                readers = " or ".join(sorted(READ_BY[name]))
                pytest.fail(f"scanproof({name}=) has no effect: the test does not take {readers}", False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Refuse a marked test that passed although nothing was checked."""
    yield
    taken = ", ".join(sorted(_taken(item)))
    passed, found = item.stash.get(_PASSED, False), item.stash.get(_ENTRIES, [])
    if passed and taken and not found and item.get_closest_marker("scanproof"):
        pytest.fail(f"marked scanproof, takes {taken} and never calls it: nothing is checked", False)


def _taken(item: pytest.Item) -> frozenset[str]:
    return FIXTURES.intersection(getattr(item, "fixturenames", ()))


def _marked(item: pytest.Item) -> dict[str, Any]:
    """Return what the markers of a test set; the nearest one counts."""
    settings: dict[str, Any] = {}
    for mark in item.iter_markers("scanproof"):
        if mark.args or not READ_BY.keys() >= mark.kwargs.keys():
            given = ", ".join([*map(repr, mark.args), *(f"{name}=" for name in mark.kwargs)])
            pytest.fail(f"scanproof({given}): the marker takes {', '.join(sorted(READ_BY))}, by name", False)
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
