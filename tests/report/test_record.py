"""Every report is written by one schema."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from typing import Any, Never

import pytest
import torch
from jsonschema import Draft202012Validator
from torch import Tensor

import scanproof
from scanproof import theorems
from scanproof.auditing.report import AuditedCheck
from scanproof.refinement.kernels.cases import random_inputs
from scanproof.report.html import page
from scanproof.report.record import SCHEMA_VERSION, document

SCHEMA = json.loads((files("scanproof.report") / "schema.json").read_text())
KINDS = (
    "CausalCertificate",
    "PerturbationReport",
    "PrefixReport",
    "BatchReport",
    "RefinementReport",
    "LeakMap",
    "StreamingReport",
    "AuditReport",
)


def problems(content: object) -> list[str]:
    return [
        f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(content)
    ]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema_version"]["const"] == SCHEMA_VERSION


def test_the_schema_knows_every_verdict() -> None:
    assert SCHEMA["$defs"]["verdict"]["enum"] == [verdict.name for verdict in scanproof.Verdict]


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_follows_it(reports: dict[str, Any], kind: str) -> None:
    content = json.loads(reports[kind].to_json("a model"))
    assert problems(content) == []
    report = content["reports"][0]
    assert (report["type"], report["subject"]) == (kind, "a model")
    assert report["summary"] == reports[kind].summary()


@pytest.mark.parametrize("kind", KINDS)
def test_every_theorem_that_is_cited_is_carried(reports: dict[str, Any], kind: str) -> None:
    content = json.loads(reports[kind].to_json("a model"))
    cited = {name for report in content["reports"] for name in report["theorems"]}
    assert cited <= theorems.meanings().keys()


def test_a_theorem_without_a_name_does_not_follow_it(reports: dict[str, Any]) -> None:
    content = json.loads(reports["CausalCertificate"].to_json())
    content["reports"][0]["theorems"].append("")
    assert problems(content)


def test_a_bound_without_a_theorem_is_said_to_have_none() -> None:
    kernel = scanproof.GatedDeltaRule()
    inputs = random_inputs(kernel, seed=0)

    def zeros(v: Tensor, initial_state: Tensor, **others: object) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(v), torch.zeros_like(initial_state)

    with pytest.raises(scanproof.CheckFailed, match=r"\(none about the bound: the doc") as refuted:
        scanproof.check_refinement(zeros, kernel, inputs, shrink=False).require()
    found = refuted.value.report
    assert "none about the bound: the documentation of the kernel" in found.summary()
    content = json.loads(found.to_json("the delta rule"))
    assert problems(content) == []
    (report,) = content["reports"]
    assert report["theorems"] == [kernel.theorem, theorems.SAME_EXPRESSIONS]
    shown = page(content)
    assert f'{theorems.SAME_EXPRESSIONS}</a></code>, <span class="dim">none about the bound<' in shown
    assert shown.count("scanproof cite ") == 2


@pytest.mark.parametrize("missing", ["verdict", "theorems", "call", "fields"])
def test_a_report_without_a_member_does_not(reports: dict[str, Any], missing: str) -> None:
    content = json.loads(reports["CausalCertificate"].to_json())
    del content["reports"][0][missing]
    assert problems(content)


def test_json_has_no_number_that_json_has_not(reports: dict[str, Any]) -> None:
    def refuse(text: str) -> Never:
        raise ValueError(text)

    for report in reports.values():
        json.loads(report.to_json(), parse_constant=refuse)


def test_an_audit_holds_its_checks_and_the_map_of_a_leak(reports: dict[str, Any]) -> None:
    content = json.loads(reports["AuditReport"].to_json())["reports"]
    assert [report["type"] for report in content] == [
        "AuditReport",
        "LeakMap",
        "CausalCertificate",
        "PerturbationReport",
        "PrefixReport",
        "BatchReport",
        "AuditedCheck",
        "AuditedCheck",
    ]
    assert {report["subject"] for report in content} == {"a leaky stack"}
    assert [report["verdict"] for report in content[6:8]] == ["NOT_APPLICABLE"] * 2
    assert content[0]["theorems"] == [
        "Runner.take_outputs_congr",
        "Program.Certified.own_row",
        "matrixCausal_iff_reach_cuts",
        "Runner.take_outputs_append",
    ]


def test_what_is_no_theorem_is_not_cited(reports: dict[str, Any]) -> None:
    cited = [
        name
        for report in reports.values()
        for part in document([("it", report)])["reports"]
        for name in part["theorems"]
    ]
    assert cited
    assert [name for name in cited if not name or name.startswith("none")] == []
    assert reports["BatchReport"].theorems == ()
    refined = replace(reports["RefinementReport"], bound_theorem="")
    assert refined.theorems == (refined.theorem, theorems.SAME_EXPRESSIONS)
    entry = AuditedCheck(check="it", verdict=scanproof.Verdict.STREAMS, evidence="", theorem="a")
    assert entry.theorems == ("a",)
    assert replace(entry, theorem="none: it is so").theorems == ()
    assert replace(entry, verdict=scanproof.Verdict.NOT_APPLICABLE).theorems == ()


def test_what_a_leak_says(reports: dict[str, Any]) -> None:
    report = document([("a model", reports["CausalCertificate"])])["reports"][0]
    assert report["verdict"] == "LEAK"
    assert report["outcome"] == "found"
    assert report["worst"]["t"] < report["worst"]["s"]
    assert report["origin"]["module"] == "1.norm"
    assert report["call"].startswith("certify(fn, x")
    assert report["theorems"] == [
        "Runner.take_outputs_congr",
        "Program.Certified.own_row",
        "matrixCausal_iff_reach_cuts",
    ]


def test_the_outline_leads_to_the_place(reports: dict[str, Any]) -> None:
    outline = document([("a model", reports["PrefixReport"])])["reports"][0]["origin"]["outline"]
    assert [(line["depth"], line["name"], line["role"]) for line in outline] == [
        (0, "Sequential", "holds"),
        (1, "0 (Layer)", "other"),
        (1, "1 (Layer)", "holds"),
        (2, "1.proj (Linear)", "other"),
        (2, "1.norm (NormOverTime)", "enters"),
        (1, "2 (Layer)", "other"),
    ]


def test_random_cuts_rest_on_the_count_of_choices_that_miss() -> None:
    import torch

    report = scanproof.certify(
        lambda x: x.cumsum(1), torch.ones(1, 12, 1), cuts="rand", K=2, batch_check=False
    )
    assert report.theorems == ("Runner.take_outputs_congr", "random_cuts_missed_next")


def test_a_spread_counts_every_entry(reports: dict[str, Any]) -> None:
    report = reports["RefinementReport"]
    spread = report.spread
    assert sum(spread.counts) + spread.exact + spread.beyond == report.compared == 22
    assert max(spread.over_time) == pytest.approx(report.worst.ratio)
    assert spread.over_time[report.worst.t] == max(spread.over_time)


def test_the_package_of_reports_imports_neither_torch_nor_lean() -> None:
    code = (
        "import sys, pkgutil, importlib, scanproof.report as r\n"
        "for m in pkgutil.iter_modules(r.__path__): importlib.import_module(f'scanproof.report.{m.name}')\n"
        "print([m for m in sys.modules if m == 'torch' or m.startswith(('scanproof.lean', 'matplotlib'))])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
