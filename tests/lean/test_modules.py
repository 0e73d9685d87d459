from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanproof.errors import InvalidArgument
from scanproof.lean.modules import Graph, Module, read_graph
from scanproof.lean.project import Project

MakeProject = Callable[..., Project]
PROJECT = Project(Path("/nowhere"), "4.28.0", "lean_lib Spec\n")


def module(name: str, *imports: str) -> Module:
    source = "module\n" + "".join(f"public import {i}\n" for i in imports)
    return Module(name, name.replace(".", "/") + ".lean", source)


def graph(*modules: Module) -> Graph:
    return Graph(PROJECT, {m.name: m for m in modules})


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Acyclic graphs: a module imports only modules of lower number."""
    imports = draw(st.lists(st.sets(st.integers(0, 7)), min_size=1, max_size=8))
    names = [f"Spec.M{i}" for i in range(len(imports))]
    modules = [module(names[i], *(names[j] for j in sorted(js) if j < i)) for i, js in enumerate(imports)]
    return graph(module("Spec", *names), *modules)


@given(graphs())
def test_imports_come_before_importers(given_graph: Graph) -> None:
    order = given_graph.closure("Spec")
    assert sorted(order) == sorted(given_graph.modules)
    for position, name in enumerate(order):
        assert set(given_graph.imports[name]) <= set(order[:position])
    assert given_graph.faults() == []


@given(graphs(), st.data())
def test_a_change_changes_the_keys_of_exactly_the_importers(given_graph: Graph, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(given_graph.modules)))
    edited = replace(given_graph.modules[name], source=given_graph.modules[name].source + "-- edited\n")
    before = given_graph.keys("lean")
    after = Graph(PROJECT, {**given_graph.modules, name: edited}).keys("lean")
    importers = {other for other in given_graph.modules if name in given_graph.closure(other)}
    assert {other for other in before if before[other] != after[other]} == importers


def test_keys_depend_on_the_toolchain_and_the_options() -> None:
    one = graph(module("Spec"))
    keys = {one.keys("lean")["Spec"], one.keys("another lean")["Spec"]}
    options = replace(PROJECT, _lakefile="leanOptions := #[⟨`a, true⟩]\nlean_lib Spec\n")
    keys.add(Graph(options, one.modules).keys("lean")["Spec"])
    assert len(keys) == 3


def test_imports_of_other_libraries_are_left_to_lean() -> None:
    assert graph(module("Spec", "Init", "Std.Data", "Specification")).imports == {"Spec": ()}


def test_a_missing_module() -> None:
    faults = graph(module("Spec", "Spec.A"), module("Spec.A", "Init", "Spec.Gone")).faults()
    assert [str(f) for f in faults] == ["Spec/A.lean:3:0: error: imports Spec.Gone, which does not exist"]


def test_a_cycle() -> None:
    faults = graph(
        module("Spec", "Spec.A"),
        module("Spec.A", "Spec.B"),
        module("Spec.B", "Spec.C"),
        module("Spec.C", "Spec.A"),
    ).faults()
    assert len(faults) == 1
    names = faults[0].message.removeprefix("error: imports itself: ").split(" → ")
    assert names[0] == names[-1]
    assert sorted(names[1:]) == ["Spec.A", "Spec.B", "Spec.C"]
    follows = {"Spec.A": "Spec.B", "Spec.B": "Spec.C", "Spec.C": "Spec.A"}
    assert all(follows[a] == b for a, b in pairwise(names))


def test_an_unreached_module() -> None:
    faults = graph(module("Spec", "Spec.A"), module("Spec.A"), module("Spec.Lost", "Spec.A")).faults()
    assert [str(f) for f in faults] == [
        "Spec/Lost.lean:1:0: error: Spec.lean does not import this module; import it there"
    ]


def test_executables_are_roots_too() -> None:
    with_program = replace(PROJECT, _lakefile="lean_lib Spec\nlean_exe run where\n  root := `Spec.Run\n")
    modules = {m.name: m for m in (module("Spec"), module("Spec.Run", "Spec.Help"), module("Spec.Help"))}
    assert Graph(with_program, modules).faults() == []


@pytest.mark.parametrize(
    "text",
    [
        "set_option debug.skipKernelTC true in",
        "  addDeclWithoutChecking d",
        "set_option warn.sorry false in example : 1 = 2 := sorry",
        "set_option warn.«sorry» false in example : 1 = 2 := sorry",
    ],
)
def test_what_passes_the_kernel_by_is_a_fault(text: str) -> None:
    sly = replace(module("Spec"), source=f"module\n\n{text}\n")
    assert [f.line for f in graph(sly).faults()] == [3]


def test_an_option_of_the_lakefile_that_hides_a_sorry_is_a_fault() -> None:
    lakefile = "lean_lib Spec\npackage p where leanOptions := #[⟨`warn.sorry, false⟩]\n"
    sly = Graph(replace(PROJECT, _lakefile=lakefile), {"Spec": module("Spec")})
    assert [(f.file, "warn.sorry" in f.message) for f in sly.faults()] == [("lakefile.lean", True)]


def test_reading_a_project(make_project: MakeProject) -> None:
    project = make_project({"Spec": "public import Spec.A.B", "Spec.A.B": "-- λ"})
    read = read_graph(project)
    assert {m.name: (m.file, m.source) for m in read.modules.values()} == {
        "Spec": ("Spec.lean", "public import Spec.A.B"),
        "Spec.A.B": ("Spec/A/B.lean", "-- λ"),
    }
    assert read_graph(project) == read


def test_a_project_without_root_file(make_project: MakeProject) -> None:
    with pytest.raises(InvalidArgument, match=r"has no file Spec\.lean"):
        read_graph(make_project({"Spec.A": ""}))


def test_a_file_that_is_not_text(make_project: MakeProject) -> None:
    project = make_project({"Spec": ""})
    (project.root / "Spec.lean").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidArgument, match=r"Spec\.lean is not UTF-8"):
        read_graph(project)
