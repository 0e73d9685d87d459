"""Lean itself, as WebAssembly: a few runs, each with many things to find."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scanproof.lean.describe import STANDARD_AXIOMS
from scanproof.lean.modules import read_graph
from scanproof.lean.process import LeanProcess
from scanproof.lean.project import Project
from scanproof.lean.prove import prove
from scanproof.lean.webassembly import WebAssembly

pytestmark = pytest.mark.lean

MakeProject = Callable[..., Project]
TOP = "module\n\n{imports}\n\n/-! # Module -/\n\n@[expose] public noncomputable section\n\nnamespace Demo\n\n"


def source(body: str, *imports: str) -> str:
    return TOP.format(imports="\n".join(f"public import {name}" for name in imports)) + body


@pytest.fixture
def lean(lean_cache: Path) -> WebAssembly:
    return WebAssembly()


def test_faults_are_found_where_they_are(lean: WebAssembly, make_project: MakeProject) -> None:
    modules = {
        "Spec.Fine": source("/-- Fine. -/\ntheorem fine : 1 + 1 = 2 := rfl\n"),
        "Spec.Sorry": source("/-- Not proved. -/\ntheorem later : 1 = 2 := by\n  sorry\n", "Spec.Fine"),
        "Spec.Wrong": source("/-- False. -/\ntheorem wrong (n : Nat) : n + 1 = n := by\n  omega\n"),
        "Spec.Silent": source(
            "def undocumented : Nat := 3\n\n/-- No such type. -/\ndef f (x : α) : α := x\n"
        ),
        "Spec.After": source("/-- True. -/\ntheorem after : True := trivial\n", "Spec.Sorry"),
    }
    imports = "".join(f"public import {name}\n" for name in modules)
    report = prove(make_project({"Spec": f"module\n\n{imports}", **modules}), lean)
    assert report.catalogue is None
    assert report.skipped == ("Spec", "Spec.After")
    found = {str(finding).partition("\n")[0] for finding in report.findings}
    assert "Spec/Sorry.lean:12:8: warning: declaration uses `sorry`" in found
    assert "Spec/Silent.lean:11:4: warning: missing doc string for public def undocumented" in found
    assert any(line.startswith("Spec/Silent.lean:14:11: error: ") for line in found)  # autoImplicit is off
    assert any(line.startswith("Spec/Wrong.lean:13:2: error: omega could not") for line in found)
    assert {finding.file for finding in report.findings} == {
        "Spec/Sorry.lean",
        "Spec/Silent.lean",
        "Spec/Wrong.lean",
    }


SLY = """/-- Convenient. -/
axiom convenient : 1 = 2

/-- Rests on an axiom of this library. -/
theorem unfounded : 1 = 2 := convenient

set_option warn.sorry false in
/-- A sorry that does not warn. -/
theorem quiet : 1 = 3 := sorry

/-- A number. -/
def five : Nat := 5

/-- Trusts the compiler. -/
theorem compiled : five = 5 := by native_decide

theorem unexplained : True := trivial
"""
PROPER = """open List in
/-- The length of an append, “in λ and 𝔸”, with a tab\\t and a quote ".

A second paragraph. -/
@[simp] theorem length_append' {α : Type} (xs ys : List α) :
    (xs ++ ys).length = ys.length + xs.length := by
  simp [Nat.add_comm]

/-- A point. -/
structure Point where
  /-- Its place. -/
  place : Nat

/-- Points can be added. -/
instance : Add Point where
  add p q := ⟨p.place + q.place⟩
"""
USER = """private theorem twice (xs : List Nat) : (xs ++ xs).length = xs.length + xs.length :=
  length_append' xs xs

/-- Uses a lemma of another module, through a private one, and a point. -/
theorem used (p : Point) (xs : List Nat) : (xs ++ xs).length + p.place = xs.length + xs.length + p.place := by
  rw [twice]
"""


def test_what_only_the_catalogue_reveals_and_then_mended(
    lean: WebAssembly, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanproof.lean.modules._FORBIDDEN", {})
    root = "module\n\npublic import Spec.Base\npublic import Spec.User\n"
    user = (
        source(USER, "Spec.Base")
        + "\n/-- Leans on a sorry elsewhere. -/\ntheorem infected : 1 = 3 := quiet\n"
    )
    sly = make_project({"Spec": root, "Spec.Base": source(PROPER + SLY), "Spec.User": user})
    report = prove(sly, lean)
    assert report.catalogue is None
    found = {finding.message.removeprefix("error: "): finding for finding in report.findings}
    compiled = "Demo.compiled rests on native_decide, which trusts compiled code"
    assert set(found) == {
        "Demo.convenient is an axiom; prove it or remove it",
        "Demo.unfounded rests on the axiom Demo.convenient",
        "Demo.quiet rests on sorry",
        "Demo.infected rests on sorry",
        compiled,
        "theorem Demo.unexplained has no docstring; write its statement in words",
    }
    lines = (sly.root / "Spec" / "Base.lean").read_text(encoding="utf-8").splitlines()
    assert lines[found[compiled].line - 1].startswith("theorem compiled")

    mended = prove(make_project({"Spec.Base": source(PROPER), "Spec.User": source(USER, "Spec.Base")}), lean)
    assert mended.findings == ()
    assert mended.catalogue is not None
    theorem = mended.catalogue.theorem("Demo.length_append'")
    assert theorem.docstring == (
        'The length of an append, “in λ and 𝔸”, with a tab\\t and a quote ".\n\nA second paragraph.'
    )
    assert theorem.statement == (
        "Demo.length_append' {α : Type} (xs ys : List α) : (xs ++ ys).length = ys.length + xs.length"
    )
    assert lines[theorem.line - 1].startswith("@[simp] theorem length_append'")
    assert {d.name: d.kind for d in mended.catalogue} == {
        "Demo.length_append'": "theorem",
        "Demo.Point": "structure",
        "Demo.instAddPoint": "instance",
        "Demo.used": "theorem",
    }
    assert set(mended.catalogue.theorem("Demo.used").axioms) <= STANDARD_AXIOMS
    assert {d.name: d.uses for d in mended.catalogue} == {
        "Demo.length_append'": (),
        "Demo.Point": (),
        "Demo.instAddPoint": ("Demo.Point",),
        "Demo.used": ("Demo.Point", "Demo.length_append'"),
    }
    assert "propext" in mended.catalogue.axioms


PROGRAM = """module

public import Spec.Double

@[expose] public section

/-- Answers every number with its double. -/
partial def serve (input output : IO.FS.Stream) : IO Unit := do
  let line ← input.getLine
  match line.trimAscii.toString.toNat? with
  | none => return
  | some n =>
    output.putStrLn (toString (double n))
    output.flush
    serve input output

/-- Starts. -/
def main : IO Unit := do
  let output ← IO.getStdout
  output.putStrLn "ready"
  output.flush
  serve (← IO.getStdin) output
"""


def test_a_program_of_several_modules_answers_at_once(lean: WebAssembly, make_project: MakeProject) -> None:
    lakefile = "package demo\nlean_lib Spec\nlean_exe run where\n  root := `Spec.Run\n"
    double = "module\n\n@[expose] public section\n\n@[noinline] def double (n : Nat) : Nat := n + n\n"
    project = make_project({"Spec": "module\n", "Spec.Double": double, "Spec.Run": PROGRAM}, lakefile)
    process = LeanProcess(lean.spawn(read_graph(project), "run"))
    assert [process.ask(str(n)) for n in (0, 21, 10**40)] == ["0", "42", str(2 * 10**40)]
    long = "1" + "0" * 100_000
    assert process.ask(long) == "2" + "0" * 100_000
    process.close()
