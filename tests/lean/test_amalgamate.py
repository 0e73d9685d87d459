from pathlib import Path

from scanproof.lean.amalgamate import amalgamate
from scanproof.lean.modules import Graph, Module
from scanproof.lean.project import Project

BASE = """/-
Copyright
-/
module

public import Init.Data.List.Basic

/-! # Base -/

@[expose] public section

open List

def base := 1
"""
TOP = """module

public import Spec.Base
public import Init.Data.List.Basic
meta import Lean

@[expose] public noncomputable section

namespace Top
def top := base
end Top
"""


def test_headers_go_and_sections_close() -> None:
    project = Project(Path("/nowhere"), "4.28.0", "lean_lib Spec\n")
    modules = [
        Module("Spec", "Spec.lean", "module\npublic import Spec.Top\npublic import Spec.Other\n"),
        Module("Spec.Base", "Spec/Base.lean", BASE),
        Module("Spec.Top", "Spec/Top.lean", TOP),
        Module("Spec.Other", "Spec/Other.lean", "module\ndef other := 3\n"),
    ]
    text = amalgamate(Graph(project, {m.name: m for m in modules}), "Spec.Top")
    lines = [line for line in text.splitlines() if line]
    assert lines == [
        "module",
        "public import Init.Data.List.Basic",
        "meta import Lean",
        "section",
        "/-! # Base -/",
        "@[expose] public section",
        "open List",
        "def base := 1",
        "end",
        "end",
        "section",
        "@[expose] public noncomputable section",
        "namespace Top",
        "def top := base",
        "end Top",
        "end",
        "end",
    ]
