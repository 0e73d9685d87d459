"""What scanproof needs besides PyTorch and NumPy comes with extras; without one, a sentence names it."""

import subprocess
import sys
from pathlib import Path

import pytest

LIBRARIES = (
    "typer",
    "rich",
    "pytest",
    "hypothesis",
    "jinja2",
    "markupsafe",
    "psutil",
    "filelock",
    "platformdirs",
    "matplotlib",
    "transformers",
)
WITHOUT = """
import sys


class Without:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in absent else self.finder.find_spec(name, path, target)


absent = set(sys.argv[1].split(","))
sys.meta_path[:] = map(Without, sys.meta_path)
"""


def run(program: str, *absent: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT + program, ",".join(absent)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


CORE = """
import torch
import scanproof

x = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(0))
print(scanproof.certify(lambda x: x.cumsum(1), x).verdict.name)
print(scanproof.certify(lambda x: x.roll(-1, 1), x).verdict.name)
print(scanproof.check_prefix(lambda x: x.cumsum(1), x).verdict.name)
report = scanproof.audit(lambda x: x.cumsum(1), x)
report.summary(), report.to_json()
u, A, B = torch.ones(1, 2, 5), -torch.ones(2, 3), torch.ones(1, 3, 5)
given = dict(u=u, delta=u, A=A, B=B, C=B)
print(scanproof.check_refinement(scanproof.selective_scan, scanproof.SelectiveScanFn(), given).verdict.name)
scanproof.Oracle, scanproof.CausalityMonitor, scanproof.Row
"""


def test_the_checks_need_pytorch_and_numpy_alone() -> None:
    done = run(CORE, *LIBRARIES)
    assert done.stderr == ""
    assert done.stdout.split() == ["CAUSAL", "LEAK", "CAUSAL", "REFINES"]


PARTS = {
    "commands": ("typer", "cli", "import sys; sys.argv = ['scanproof']; scanproof.cli.main()"),
    "demo": ("transformers", "transformers", "import scanproof.demo.tour; scanproof.demo.tour.run_demo()"),
    "table": ("rich", "cli", "print(scanproof.table([]))"),
    "drawn cases": (
        "hypothesis",
        "cases",
        "scanproof.check_refinement(scanproof.selective_scan, scanproof.SelectiveScanFn(), cases=3)",
    ),
    "strategies": ("hypothesis", "cases", "import scanproof.refinement.strategies"),
    "fixtures": ("rich", "pytest", "import scanproof.pytest_checks"),
    "page": ("jinja2", "report", "report.to_html('report.html')"),
    "picture": ("matplotlib", "plot", "report.plot()"),
    "cache": ("platformdirs", "lean", "import scanproof.lean.store; scanproof.lean.store.cache_folder()"),
    "memory": ("psutil", "lean", "from scanproof.lean.memory import available_memory; available_memory()"),
    "kernels": (
        "triton",
        "triton",
        "from scanproof.adapters.triton import interpreted\nwith interpreted():\n    pass",
    ),
    "adapter": (
        "transformers",
        "transformers",
        "from scanproof.adapters.transformers import random_mamba_mixer; random_mamba_mixer(hidden_size=8)",
    ),
}


@pytest.mark.parametrize(("library", "extra", "part"), PARTS.values(), ids=PARTS)
def test_a_sentence_names_the_extra(
    library: str, extra: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCANPROOF_CACHE", raising=False)
    given = "import torch, scanproof, scanproof.cli\n"
    given += "report = scanproof.certify(lambda x: x, torch.ones(1, 3, 2))\n"
    done = run(given + part, library)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert library in last
    assert f"pip install 'scanproof[{extra}]'" in last
    assert part.startswith("import sys") is ("Traceback" not in done.stderr)  # a command says it alone


def test_the_import_is_light() -> None:
    program = (
        "import time; began = time.perf_counter(); import scanproof; took = time.perf_counter() - began\n"
        f"loaded = [name for name in ('torch', 'numpy', *{LIBRARIES!r}) if name in sys.modules]\n"
        "print(took, loaded)"
    )
    took, _, loaded = run(program).stdout.partition(" ")
    assert loaded.strip() == "[]"
    assert float(took) < 0.3
