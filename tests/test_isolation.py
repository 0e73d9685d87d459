"""A test that leaves something behind fails, and says what; one that puts it back passes."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

HEAD = """
import hypothesis, logging, os, pytest, random, signal, subprocess, sys, time, types, warnings
import numpy, scanproof, torch
from scanproof.lean import find
from scanproof.refinement.oracle import Oracle

SEEN = []
"""
LEFT = {
    "torch.set_default_dtype(torch.float64)": "torch: default dtype is torch.float64, was torch.float32",
    "torch.set_default_device('meta')": "torch: default device is device(type='meta')",
    "torch.set_num_threads(torch.get_num_threads() + 1)": "torch: threads is ",
    "torch.set_grad_enabled(False)": "torch: grad mode is False, was True",
    "SEEN.append(torch.inference_mode()); SEEN[-1].__enter__()": "torch: inference mode is True, was False",
    "torch.autograd.set_detect_anomaly(True)": "torch: anomaly mode is True, was False",
    "torch.set_autocast_enabled('cpu', True)": "torch: autocast is [True, False]",
    "torch.set_deterministic_debug_mode('warn')": "torch: deterministic algorithms is 1, was 0",
    "torch.set_float32_matmul_precision('high')": "torch: float32 products is 'high', was 'highest'",
    "torch.set_printoptions(precision=9)": "torch: print options is {'precision': 9",
    "torch.nn.modules.module.register_module_forward_hook(print)": "torch: hooks of every module is [1, ",
    "torch.overrides.BaseTorchFunctionMode().__enter__()": "torch: modes is ",
    "numpy.seterr(over='raise')": "numpy: error state is ",
    "numpy.set_printoptions(precision=2)": "numpy: print options is ",
    "os.environ['LEFT'] = 'x'": "environment: LEFT is new: 'x'",
    "del os.environ['GIVEN']": "environment: GIVEN is gone, was 'x'",
    "os.chdir('/')": "Python: working folder is '/', was ",
    "sys.path.append('/nowhere')": "Python: sys.path is ",
    "sys.argv.append('x')": "Python: sys.argv is ",
    "sys.setrecursionlimit(5000)": "Python: recursion limit is 5000, was 1000",
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)": "Python: signal handlers is ",
    "SEEN.append(subprocess.Popen([sys.executable, '-c', 'input()'], stdin=-1))": "Python: processes is [",
    "sys.modules['made'] = types.ModuleType('made')": "sys.modules['made'] is new, and from no installed",
    "sys.modules[find.__name__] = types.ModuleType('made')": "sys.modules['scanproof.lean.find'] is <module",
    "del sys.modules['scanproof.theorems']": "sys.modules['scanproof.theorems'] is None, was <module",
    "logging.root.setLevel('DEBUG')": "logging: levels is [10, 0, 0]",
    "logging.getLogger('scanproof').setLevel('DEBUG')": "logging: levels is [10, 10, 0], was [10, 0, 0]",
    "logging.disable()": "logging: disabled up to is 50, was 0",
    "logging.root.addHandler(logging.NullHandler())": "logging: handlers is [<NullHandler",
    "hypothesis.settings.register_profile('x', max_examples=3); hypothesis.settings.load_profile('x')": (
        "hypothesis: settings is settings("
    ),
    "find.find_toolchain = print": "scanproof.lean.find.find_toolchain is <built-in function print>, was",
    "del find.Project": "scanproof.lean.find.Project is gone",
    "find.more = 3": "scanproof.lean.find.more is new: 3",
    "Oracle.start = print": "scanproof.refinement.oracle.Oracle.start is <built-in function print>",
    "scanproof._EXPORTS['x'] = 'y'": "scanproof._EXPORTS has other contents",
    "torch.nn.Module.forward = print": "torch.nn.modules.module.Module.forward is <built-in function print>",
    "subprocess.call = print": "subprocess.call is <built-in function print>",
    "SEEN.append(0)": "test_suite.SEEN has other contents",
    "import transformers; transformers.logging.set_verbosity_error()": (
        "logging: verbosity of transformers is 40, was 30"
    ),
}  # fmt: skip
"""What a test does, and what is said of it; each lasts until the end of the run."""

CLEAN = [
    "pass",
    "monkeypatch.setattr(find, 'spawned', 3, raising=False)",
    "monkeypatch.setattr(Oracle, 'close', print); monkeypatch.setenv('LEFT_FOR_A_WHILE', 'x')",
    "monkeypatch.chdir('/'); monkeypatch.setitem(scanproof._EXPORTS, 'z', 'z')",
    "monkeypatch.setattr(sys, 'path', ['/nowhere']); logging.getLogger('new').info('x')",
    "subprocess.Popen([sys.executable, '-c', '']).wait()",
    "import colorsys, scanproof.report.plot",
    "with torch.no_grad(), numpy.errstate(all='ignore'): pass",
    "warnings.simplefilter('ignore')",
    "with pytest.raises(UserWarning): warnings.warn('x')",
    *2 * ["assert random.random() == random.Random(0).random()"],
    *2 * ["assert numpy.random.rand() == numpy.random.RandomState(0).rand()"],
    *2 * ["assert torch.equal(torch.rand(3), torch.rand(3, generator=torch.Generator().manual_seed(0)))"],
]


def run(folder: Path, *options: str) -> str:
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "GIVEN": "x"},
        capture_output=True,
        text=True,
        check=False,
    ).stdout


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a run says of each test that leaves something behind, by its name."""
    folder = tmp_path_factory.mktemp("isolation")
    (folder / "conftest.py").write_text("pytest_plugins = ['isolation']\n")
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    clean = [f"def test_clean_{number}(monkeypatch):\n    {code}" for number, code in enumerate(CLEAN)]
    left = [f"def test_left_{number}():\n    {code}" for number, code in enumerate(LEFT)]
    (folder / "test_suite.py").write_text("\n".join([HEAD, *clean, *left]))
    output = run(folder, "-p", "no:randomly")
    assert f"{len(CLEAN) + len(LEFT)} passed, " in output.splitlines()[-1]
    return dict(re.findall(r"^test_suite\.py::(\w+) leaves behind:\n((?:  .*\n)+)", output, re.M))


@pytest.mark.parametrize(("number", "difference"), list(enumerate(LEFT.values())), ids=list(LEFT))
def test_what_is_left_behind_is_said(said: dict[str, str], number: int, difference: str) -> None:
    assert f"  {difference}" in said.get(f"test_left_{number}", "nothing")


def test_what_is_put_back_is_fine(said: dict[str, str]) -> None:
    assert {name.rstrip("0123456789") for name in said} == {"test_left_"}


def test_a_random_order_says_how_to_repeat_it(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("pytest_plugins = ['isolation']\n")
    (tmp_path / "test_it.py").write_text("".join(f"def test_{number}(): pass\n" for number in range(9)))
    first, again = run(tmp_path, "-v", "--randomly-seed=5").split("This order again: pytest ")
    order = re.findall(r"::(test_\d)", first)
    assert len(order) == 9
    assert order != sorted(order)
    assert shlex.split(again.splitlines()[0])[-1] == "--randomly-seed=5"
    assert re.findall(r"::(test_\d)", run(tmp_path, *shlex.split(again.splitlines()[0]))) == order
    assert re.search(r"^This order again: pytest .*--randomly-seed=\d+$", run(tmp_path), re.M)
    assert "This order again" not in run(tmp_path, "-p", "no:randomly")
