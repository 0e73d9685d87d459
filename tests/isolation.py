"""A plugin of this suite: a test that leaves a change behind, for the tests after it, fails and says which.

Every test starts with the same state of the global random generators, whatever other tests have drawn.
Filters of warnings and the standard streams are put back by pytest itself.
"""

import logging
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import numpy as np
import psutil
import pytest
import torch
from torch.nn.modules import module as torch_modules

from scanproof.lean.store import cache_folder

Owner = ModuleType | type
Values = Mapping[str, Any]

TESTS = f"{Path(__file__).parent}{os.sep}"
PLACES = (
    str(Path(TESTS).parent),
    sys.prefix,
    sys.base_prefix,
    str(Path(os.__file__).parent),
    str(cache_folder() / "overlays"),
)
SET_BY_OTHERS = (
    "PYTEST_CURRENT_TEST",
    "TORCHINDUCTOR_CACHE_DIR",
    "TF_CPP_MIN_LOG_LEVEL",
    "TPU_SKIP_MDS_QUERY",
)
"""Environment variables that pytest sets for each test, and PyTorch's compiler and JAX on their import."""
BORROWED: tuple[Owner, ...] = (
    torch.Tensor,
    torch.nn.functional,
    torch.nn.Module,
    os,
    subprocess,
    time,
)
"""Modules and classes of other packages whose attributes tests replace."""


def pytest_configure(config: pytest.Config) -> None:
    config.option.randomly_reset_seed = False  # pytest-randomly orders tests; below they are seeded


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how to repeat a random order."""
    if config.pluginmanager.has_plugin("randomly"):
        again = [*config.invocation_params.args, f"--randomly-seed={config.getoption('randomly_seed')}"]
        terminalreporter.write_line(f"This order again: pytest {shlex.join(map(str, again))}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    random.seed(0)
    np.random.seed(0)
    torch.default_generator.manual_seed(0)  # torch.manual_seed also formats a stack, which takes longer
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(0)


@pytest.fixture(autouse=True)
def _isolated(request: pytest.FixtureRequest) -> Iterator[None]:
    CODE.take_in()
    settings = {kind: read() for kind, read in SETTINGS.items()}
    module = Attributes(request.module)
    yield
    left = [*_changed(settings), *module.changed(), *CODE.changed()]
    if left:
        pytest.fail("\n  ".join([f"{request.node.nodeid} leaves behind:", *left]), pytrace=False)


class Attributes:
    """The attributes of a module or a class, and the contents of those that are a dict, a list or a set."""

    def __init__(self, owner: Owner) -> None:
        self.owner, self._live, self._kept = owner, vars(owner), vars(owner).copy()
        self._tables = [
            (name, value, value.copy())
            for name, value in self._kept.items()
            if type(value) in (dict, list, set) and not name.startswith("__") and owner not in BORROWED
        ]

    def _own_doing(self, value: object) -> bool:
        """Whether a package replaces its attribute by its own code, as Dynamo does when it is imported."""
        package = self.owner.__module__ if isinstance(self.owner, type) else self.owner.__name__
        replaced_by = str(getattr(value, "__module__", "")).partition(".")[0]
        return self.owner in BORROWED and replaced_by == package.partition(".")[0]

    @property
    def _name(self) -> str:
        owner = self.owner
        return f"{owner.__module__}.{owner.__qualname__}" if isinstance(owner, type) else owner.__name__

    def same(self) -> bool:
        """Whether nothing has changed."""
        try:  # comparing dicts compares only what is not the same object
            if not self._tables:
                return self._kept == self._live
            return self._kept == self._live and all(table == contents for _, table, contents in self._tables)
        except (RuntimeError, ValueError):  # a tensor or an array is not the same object
            return False

    def changed(self) -> Iterator[str]:
        """Say what has changed."""
        yield from self._reassigned()
        for name, table, contents in self._tables:
            if not _equal(contents, table):
                yield f"{self._name}.{name} has other contents"

    def _reassigned(self) -> Iterator[str]:
        for name, value in self._kept.items():
            if name not in self._live:
                if not _of_dynamo(name):
                    yield f"{self._name}.{name} is gone"
            elif not _equal(value, self._live[name]) and not self._own_doing(self._live[name]):
                yield f"{self._name}.{name} is {self._live[name]!r:.200}, was {value!r:.200}"
        for name in self._live.keys() - self._kept.keys():
            value = self._live[name]
            if self.owner not in BORROWED and not _of_dynamo(name) and not isinstance(value, ModuleType):
                yield f"{self._name}.{name} is new: {value!r:.200}"


class Code:
    """The modules of this project and their classes, as they were when last looked at.

    They are looked at once a test, so what a fixture of a wider scope changes counts for the test that first
    asks for it.
    """

    def __init__(self) -> None:
        self._seen: tuple[int, str] = (0, "")
        self._names = set(sys.modules)
        self._modules: dict[str, ModuleType] = {}
        self._attributes = [Attributes(owner) for owner in BORROWED]

    def take_in(self) -> None:
        """Look at what was imported since."""
        now = len(sys.modules), next(reversed(sys.modules))
        if now == self._seen:
            return
        self._seen, self._names = now, set(sys.modules)
        new = {
            name: module
            for name, module in sys.modules.items()
            if self._modules.get(name) is not module and _is_ours(name, module)
        }
        self._modules |= new
        for module in new.values():
            classes = [value for value in vars(module).values() if _is_class_of(module, value)]
            self._attributes += map(Attributes, (module, *classes))

    def changed(self) -> Iterator[str]:
        """Say what has changed."""
        for name in sys.modules.keys() - self._names:
            if _is_stray(sys.modules[name]):
                yield f"sys.modules[{name!r}] is new, and from no installed package: {sys.modules[name]!r}"
        for name, module in tuple(self._modules.items()):
            if sys.modules.get(name) is not module:
                yield f"sys.modules[{name!r}] is {sys.modules.get(name)!r}, was {module!r}"
                del self._modules[name]
        for index, attributes in enumerate(self._attributes):
            if not attributes.same():
                yield from attributes.changed()
                self._attributes[index] = Attributes(attributes.owner)


CODE = Code()


def _of_dynamo(name: str) -> bool:
    """Whether torch.compile may keep something under that name, until its code is collected."""
    return name.startswith("__") or re.fullmatch(r"_\d+_c\d+", name) is not None


def _is_stray(module: ModuleType) -> bool:
    """Whether a module was made, or comes from a file that neither Python nor the project has."""
    file = getattr(module, "__file__", None)
    if file is None:  # Cython's modules share a module of their own making
        name = getattr(module, "__name__", "")
        return (
            getattr(module, "__spec__", None) is None and not name.startswith("_cython") and "." not in name
        )
    return not file.startswith(PLACES)


def _is_class_of(module: ModuleType, value: object) -> bool:
    return isinstance(value, type) and value.__module__ == module.__name__


def _is_ours(name: str, module: ModuleType) -> bool:
    if name.partition(".")[0] == "scanproof":
        return True
    file = getattr(module, "__file__", None) or ""
    return file.startswith(TESTS) and not Path(file).name.startswith(("test_", "conftest"))


def _equal(before: object, now: object) -> bool:
    try:
        return before is now or bool(before == now)
    except (RuntimeError, ValueError):  # a tensor or an array is not the same object
        return False


def _changed(settings: Mapping[str, Values]) -> Iterator[str]:
    for kind, before in settings.items():
        now = SETTINGS[kind]()
        for name in sorted({**before, **now}) if now != before else ():
            if name not in now:
                yield f"{kind}: {name} is gone, was {before[name]!r:.200}"
            elif name not in before:
                yield f"{kind}: {name} is new: {now[name]!r:.200}"
            elif now[name] != before[name]:
                yield f"{kind}: {name} is {now[name]!r:.200}, was {before[name]!r:.200}"


def _torch() -> Values:
    return {
        "default dtype": torch.get_default_dtype(),
        "default device": torch.get_default_device(),
        "threads": torch.get_num_threads(),
        "grad mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "anomaly mode": torch.is_anomaly_enabled(),
        "autocast": [torch.is_autocast_enabled(device) for device in ("cpu", "cuda")],
        "deterministic algorithms": torch.get_deterministic_debug_mode(),
        "float32 products": torch.get_float32_matmul_precision(),
        "TF32 in convolutions": torch.backends.cudnn.allow_tf32,
        "modes": (torch._C._len_torch_dispatch_stack(), torch._C._len_torch_function_stack()),
        "hooks of every module": [len(hooks) for hooks in _HOOKS],
        "print options": dict(vars(torch._tensor_str.PRINT_OPTS)),
    }


_HOOKS = [
    vars(torch_modules)[f"_global_{kind}"]
    for kind in ("forward_hooks", "forward_pre_hooks", "backward_hooks")
]


def _numpy() -> Values:
    return {"error state": np.geterr(), "print options": np.get_printoptions()}


def _python() -> Values:
    return {
        "working folder": _working_folder(),
        "sys.path": list(sys.path),
        "sys.argv": list(sys.argv),
        "recursion limit": sys.getrecursionlimit(),
        "signal handlers": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "processes": _children(),
    }


def _working_folder() -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return "a folder that was removed"


def _children() -> list[psutil.Process]:
    """Return the processes that this one has started and not waited for."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # there are none: known at once, while listing takes a millisecond
        return []
    return psutil.Process().children()


def _environment() -> Values:
    return {name: value for name, value in os.environ.items() if name not in SET_BY_OTHERS}


def _logging() -> Values:
    transformers = sys.modules.get("transformers.utils.logging")
    handlers = logging.root.handlers
    return {
        "levels": [logging.getLogger(name).level for name in ("root", "scanproof", "scanproof.monitor")],
        "handlers": [one for one in handlers if not type(one).__module__.startswith("_pytest.")],
        "disabled up to": logging.root.manager.disable,
        "verbosity of transformers": transformers.get_verbosity() if transformers else logging.WARNING,
    }


def _hypothesis() -> Values:
    return {"settings": hypothesis.settings.default}


SETTINGS: dict[str, Callable[[], Values]] = {
    "torch": _torch,
    "numpy": _numpy,
    "Python": _python,
    "environment": _environment,
    "logging": _logging,
    "hypothesis": _hypothesis,
}
