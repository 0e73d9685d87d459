"""The example of a package that depends on the library is checked against the library as it stands."""

import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from scanproof.lean.find import find_toolchain
from scanproof.lean.modules import read_graph
from scanproof.lean.progress import silent
from scanproof.lean.project import Project

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "downstream"


def test_it_uses_the_same_lean() -> None:
    assert (EXAMPLE / "lean-toolchain").read_text() == (ROOT / "lean-toolchain").read_text()


@pytest.mark.lean
def test_it_is_proved_and_a_false_variant_is_not() -> None:
    project = Project.find(ROOT)
    toolchain = find_toolchain(project)
    example = (EXAMPLE / "Downstream.lean").read_text(encoding="utf-8")
    variant = example[example.index("namespace") :].replace("Downstream", "Variant")
    wrong = variant.replace("take xs.length =", "take (xs.length + 1) =")
    assert wrong != variant
    whole = read_graph(project)
    used = whole.closure("Spec.Runner", "Spec.Scalar")
    graph = replace(whole, modules={name: whole.modules[name] for name in used})
    proper = example.removesuffix("end\n")
    with tempfile.TemporaryDirectory() as folder, closing(toolchain):
        build = toolchain.build(graph, Path(folder), silent)
        file = Path(folder) / "Downstream.lean"
        file.write_text(proper + wrong, encoding="utf-8")
        faults = [message for message in toolchain.elaborate(build, file) if message.is_fault]
    assert faults
    assert all(fault.finding.line > proper.count("\n") for fault in faults)
