"""The census of causal language models: what is built, what is read, what is cut, and what the page says."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from typer.testing import CliRunner, Result

from pages import ROOT, rows_of
from verdicts import present

pytest.importorskip("transformers")

import transformers
from transformers import CONFIG_MAPPING
from transformers.models.llama import modeling_llama

from scanproof import InvalidArgument
from scanproof.census.lms import command, served
from scanproof.census.lms.ask import about, ask, ids
from scanproof.census.lms.build import settings_of, small_config, small_lm
from scanproof.census.lms.exceptions import SPECIAL
from scanproof.census.lms.program import runs, written
from scanproof.census.lms.result import Found, Outcome, Row
from scanproof.census.lms.served import Served
from scanproof.census.lms.shrink import VOCABULARY, small_settings
from scanproof.census.lms.table import document, markdown, status
from scanproof.census.lms.ways import PADS, WAYS, Way, function, padding
from scanproof.census.lms.worker import examine, unanswered
from scanproof.cli.app import app
from scanproof.lean.progress import silent

pytestmark = pytest.mark.usefixtures("_quiet")

PLAIN, CACHED = Way("eager", "plain"), Way("eager", "cached")


def found(way: str, outcome: Outcome = "established", **options: Any) -> Found:
    return Found(way=way, outcome=outcome, **options)


def row(model_type: str, *ways: Found, **options: Any) -> Row:
    return replace(unanswered(model_type, 0), kind=model_type.title(), found=ways, **options)


@pytest.mark.parametrize(("model_type", "kind"), [("llama", "LlamaForCausalLM"), ("gpt2", "GPT2LMHeadModel")])
def test_reading_establishes_every_way(model_type: str, kind: str) -> None:
    kinds, every = zip(*ask(model_type), strict=True)
    assert set(kinds) == {kind}
    assert [one.way for one in every] == [way.name for way in WAYS]
    assert {one.outcome for one in every} == {"established"}
    assert all(one.operations > 50 for one in every)


def test_a_model_without_sdpa_is_not_asked_about_it() -> None:
    outcomes = Counter(one.outcome for _, one in ask("mamba"))
    assert outcomes == {"established": 3, "not asked": 3}


def test_the_small_config_has_every_kind_of_layer() -> None:
    default = CONFIG_MAPPING["qwen3_next"]()
    small = small_settings(default)
    assert small["layer_types"] == ["linear_attention", "full_attention"]
    assert small["num_hidden_layers"] == 2
    assert small["vocab_size"] == VOCABULARY
    assert small["hidden_size"] < default.hidden_size


def test_sub_configs_and_special_tokens_are_small() -> None:
    config = small_config("gemma3")
    assert config.text_config.hidden_size == config.vision_config.hidden_size == 32
    assert config.image_token_index < VOCABULARY
    assert settings_of("bert")["is_decoder"] is True


def test_every_exception_is_about_a_model_type_and_has_a_reason() -> None:
    assert SPECIAL.keys() <= set(command.model_types())
    assert all(special.reason for special in SPECIAL.values())


def test_the_global_generator_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    small_lm("gpt2", "eager")
    assert torch.equal(before, torch.random.get_rng_state())


def test_logits_at_padding_are_not_looked_at() -> None:
    x = ids(0)
    mask = padding(*x.shape)
    logits = function(small_lm("llama", "eager"), "padded")(x)
    assert not logits[mask == 0].any()
    assert logits[mask == 1].any(-1).all()
    assert mask[0].tolist() == [0] * PADS + [1] * (x.shape[1] - PADS)
    assert mask[1].all()


def test_the_cached_call_is_the_plain_one_in_pieces() -> None:
    model, x = small_lm("llama", "eager"), ids(0)
    plain, cached = function(model, "plain")(x), function(model, "cached")(x)
    torch.testing.assert_close(cached, plain, rtol=1e-4, atol=1e-4)


def said(one: Found) -> list[str]:
    """Return the verdicts of the cuts."""
    return [line.partition(",")[0] for line in one.evidence]


Attend = Callable[..., tuple[Tensor, Tensor | None]]


def without_mask(drops: Callable[[nn.Module, Tensor, Tensor], bool]) -> Attend:
    """Return eager attention that forgets its mask where a condition on module, query and key holds."""
    attend = modeling_llama.eager_attention_forward

    def eager(
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        mask = None if drops(module, query, key) else attention_mask
        return attend(module, query, key, value, mask, *args, **kwargs)

    return eager


def dropped_in_layer(layer: int) -> Attend:
    """Return eager attention that forgets its mask in one layer."""
    return without_mask(lambda module, query, key: bool(module.layer_idx == layer))


@pytest.mark.parametrize("layer", [0, 1])
def test_a_mask_that_is_dropped_is_a_leak_in_its_layer(layer: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modeling_llama, "eager_attention_forward", dropped_in_layer(layer))
    one = about(small_lm("llama", "eager"), "llama", PLAIN)
    assert one.outcome == "leak"
    assert f"in model.model.layers.{layer}.self_attn (LlamaAttention), modeling_llama.py:" in one.reason
    assert said(one) == ["certificate: LEAK", "perturbation: LEAK"]
    assert runs(one.program)
    monkeypatch.undo()
    assert not runs(one.program)


def test_a_cache_of_another_example_is_a_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_lm("llama", "eager")
    attend = modeling_llama.eager_attention_forward

    def eager(
        module: nn.Module, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor | None]:
        if key.shape[2] > query.shape[2]:
            key = key.flip(0)
        return attend(module, query, key, value, *args, **kwargs)

    monkeypatch.setattr(modeling_llama, "eager_attention_forward", eager)
    assert about(model, "llama", PLAIN).outcome == "established"
    one = about(model, "llama", CACHED)
    assert one.outcome == "leak"
    assert "no example reads another one: not established" in one.reason
    assert said(one) == ["batch: LEAK"]


def test_a_mask_without_the_offset_of_the_cache_is_a_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tokens of one call must not look ahead within it."""
    model = small_lm("llama", "eager")
    eager = without_mask(lambda module, query, key: query.shape[2] != key.shape[2])

    monkeypatch.setattr(modeling_llama, "eager_attention_forward", eager)
    assert about(model, "llama", PLAIN).outcome == "established"
    assert about(model, "llama", CACHED).outcome == "leak"


def test_what_reading_cannot_establish_goes_to_the_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison with a great number reads the future, and changes nothing."""
    attend = modeling_llama.eager_attention_forward

    def eager(module: nn.Module, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor | None]:
        y, weights = attend(module, *args, **kwargs)
        return y + (y.flip(1) > 1e30), weights

    monkeypatch.setattr(modeling_llama, "eager_attention_forward", eager)
    one = about(small_lm("llama", "eager"), "llama", PLAIN)
    assert one.outcome == "no counterexample"
    assert "aten.flip" in one.reason
    assert said(one) == ["certificate: CAUSAL", "perturbation: CAUSAL"]
    assert not one.program


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_the_program_of_a_right_model_stops(way: Way) -> None:
    text = written("llama", way, ids(0), 20)
    with pytest.raises(AssertionError):
        exec(compile(text, "<program>", "exec"), {})


def test_a_type_that_cannot_be_built_is_listed() -> None:
    *_, last = examine("gemma4_assistant", 0)
    assert "hidden_size_per_layer_input must be 0" in last.problem
    assert (last.found, status(last), last.established) == ((), "not built", False)
    text = markdown([last], "2026-01-02")
    assert "| not built | 1 |" in text
    assert "| established | 0 |" in text
    assert "- **gemma4_assistant**: StrictDataclass" in text


def test_parts_have_every_type_exactly_once() -> None:
    names = command.model_types()
    assert len(names) > 150
    for parts in (1, 4, 7):
        shares = [command.part_of(names, f"{part}/{parts}") for part in range(1, parts + 1)]
        assert Counter(name for share in shares for name in share) == Counter(names)
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"])
def test_a_part_that_is_none(shard: str) -> None:
    with pytest.raises(InvalidArgument, match="--shard must be i/n"):
        command.part_of(["a"], shard)


def test_rows_of_parts_merge_and_are_not_made_again(tmp_path: Path) -> None:
    asked: list[str] = []

    def examine(name: str) -> Row:
        asked.append(name)
        return row(name, found("eager, plain"))

    names = command.model_types()[:9]
    merged = tmp_path / "merged"
    merged.mkdir()
    for part in (1, 2):
        folder = tmp_path / str(part)
        folder.mkdir()
        command.collect(command.part_of(names, f"{part}/2"), folder, 0, 2, silent, examine)
        for file in folder.iterdir():
            (merged / file.name).write_text(file.read_text())
    assert Counter(asked) == Counter(names)
    rows = command.collect(names, merged, 0, 1, silent, examine)
    assert [one.model_type for one in rows] == list(names)
    assert len(asked) == len(names)
    command.collect(names, merged, 1, 1, silent, examine)
    assert len(asked) == 2 * len(names)


@pytest.mark.parametrize("text", ["", '{"model_type": "a"', "[]", "{}"])
def test_a_row_that_was_cut_off_is_made_again(tmp_path: Path, text: str) -> None:
    command.file_of(tmp_path, "gpt2").write_text(text)
    (one,) = command.collect(["gpt2"], tmp_path, 0, 1, silent, lambda name: row(name, found("eager, plain")))
    assert one.established
    assert json.loads(command.file_of(tmp_path, "gpt2").read_text())["kind"] == "Gpt2"


def test_a_row_whose_process_died_is_made_again(tmp_path: Path) -> None:
    problems = iter(["its process ended with exit code -9", "ValueError: no such width"])
    for problem in ("its process ended with exit code -9", "ValueError: no such width"):
        (one,) = command.collect(
            ["gpt2"], tmp_path, 0, 1, silent, lambda name: row(name, problem=next(problems))
        )
        assert one.problem == problem
    (one,) = command.collect(["gpt2"], tmp_path, 0, 1, silent, lambda name: row(name, problem="never"))
    assert one.problem == "ValueError: no such width"


WORKER = """
import json, os, sys, time
for line in sys.stdin:
    name = line.strip()
    print("noise")
    print(json.dumps({"row": ROW | {"model_type": name}}), flush=True)
    if name == "dies":
        os._exit(7)
    if name == "hangs":
        time.sleep(60)
    print(json.dumps({"done": name}), flush=True)
"""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Let ``WORKER`` serve in place of the real worker; return the processes that are started."""
    program = WORKER.replace("ROW", repr(asdict(row("a", found("eager, plain")))))
    start = subprocess.Popen
    started: list[list[str]] = []

    def popen(arguments: list[str], **options: Any) -> subprocess.Popen[str]:
        started.append(arguments)
        return start([arguments[0], "-c", program], **options)

    monkeypatch.setattr(subprocess, "Popen", popen)
    return started


def test_a_crash_or_a_hang_costs_one_row(started: list[list[str]]) -> None:
    with Served(0, limit=5.0) as asked:
        rows = [asked.row(name) for name in ("fine", "dies", "again", "hangs", "last")]
    assert [one.problem for one in rows] == [
        "",
        "its process ended with exit code 7",
        "",
        "took more than 5 s",
        "",
    ]
    assert all(len(one.found) == 1 for one in rows)
    assert len(started) == 3
    assert [status(one) for one in rows].count("not built") == 2


def test_a_process_serves_few_types(started: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "TYPES", 2)
    with Served(0) as asked:
        assert [asked.row(name).model_type for name in "abcde"] == list("abcde")
    assert len(started) == 3


ROWS = (
    row("good", found("eager, plain"), found("sdpa, plain", "not asked", reason="transformers has no sdpa")),
    row(
        "steered",
        found("eager, plain", assumes=("inputs take the path that was recorded: values decide what is run",)),
    ),
    row(
        "cut",
        found("eager, plain"),
        found(
            "eager, cached",
            "no counterexample",
            reason="no output reads a later one: not established; 0 <- 70; enters by aten.sort in m, f.py:3",
            evidence=("certificate: CAUSAL, 1 coded window",),
            note="one token a call",
        ),
    ),
    row(
        "leaky",
        found("eager, plain"),
        found(
            "eager, padded",
            "leak",
            reason="not established; enters by aten.bmm in layers.1, f.py:9",
            evidence=("perturbation: LEAK, t=1 <- s=3",),
            program="assert True\n",
        ),
        found("eager, cached", "open", reason="because", evidence=("batch: INCONCLUSIVE, zeros",)),
    ),
    row("unclear", found("eager, plain", "open", reason="because", evidence=("batch: INCONCLUSIVE, zeros",))),
    row("broken", problem="ImportError: timm"),
    row("mute", found("eager, plain", "not asked", reason="it raises")),
)


def test_a_row_is_as_grave_as_its_gravest_way() -> None:
    assert [status(one) for one in ROWS] == [
        "established",
        "established",
        "no counterexample",
        "leak",
        "open",
        "not built",
        "not built",
    ]


def test_the_page_says_what_was_found() -> None:
    text = markdown(ROWS, "2026-01-02")
    assert "| established | 2 |" in text
    assert "| not built | 2 |" in text
    assert "| in all | 7 | |" in text
    assert "| good | ✓ |  |  | · |  |  |" in text
    assert "| steered | ✓\\* |" in text
    assert "| cut | ✓ |  | ○ |" in text
    assert "| leaky | ✓ | ✗ | ? |" in text
    leaks = text.partition("## Leaks")[2].partition("## Not established")[0]
    assert f"### leaky, transformers {ROWS[0].transformers}" in leaks
    assert "enters by aten.bmm in layers.1, f.py:9" in leaks
    assert "```python\nassert True\n```" in leaks
    rest = text.partition("## Not established by reading")[2]
    assert "- **cut**, eager, cached ○: no output reads a later one: not established; 0 &lt;- 70" in rest
    assert "- **unclear**, eager, plain ?: because" in rest
    assert "    - eager, plain: batch: INCONCLUSIVE, zeros" in rest
    assert "- transformers has no sdpa: good (sdpa, plain)" in rest
    assert "- one token a call: cut (eager, cached)" in rest
    assert "- **broken**: ImportError: timm" in rest
    assert "- **mute**" in rest


def test_the_page_is_what_json_says() -> None:
    plain = json.loads(json.dumps(document(ROWS, "2026-01-02")))
    assert plain["totals"] == {
        "established": 2,
        "no counterexample": 1,
        "leak": 1,
        "open": 1,
        "not built": 2,
    }
    assert [one["status"] for one in plain["rows"]] == [status(one) for one in ROWS]
    assert Row.from_dict(json.loads(json.dumps(asdict(ROWS[3])))) == ROWS[3]


@pytest.mark.parametrize(
    ("rows", "code"), [(ROWS[:3], 0), (ROWS[:4], 1), (ROWS[4:5], 3), (ROWS[5:6], 3), (ROWS[6:], 3)]
)
def test_the_exit_code(rows: list[Row], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "collect", lambda *given: rows)
    run = CliRunner().invoke(app, ["census", "--causal-lms", "--folder", str(tmp_path), "--quiet"])
    assert run.exit_code == code


def test_the_command_that_a_ci_runs(tmp_path: Path) -> None:
    options = ["census", "--causal-lms", "--only", "gpt2", "--folder", str(tmp_path)]
    run = CliRunner().invoke(app, options)
    assert run.exit_code == 0, run.output
    assert run.stdout.endswith(f"1 model types, 1 established, 0 with a leak; {tmp_path / 'causal-lms.md'}\n")
    assert {file.name for file in tmp_path.iterdir()} == {"causal-lms", "causal-lms.json", "causal-lms.md"}
    assert json.loads((tmp_path / "causal-lms" / "gpt2.json").read_text())["kind"] == "GPT2LMHeadModel"


def test_a_wrong_call(tmp_path: Path) -> None:
    def run(*options: str) -> Result:
        return CliRunner().invoke(app, ["census", "--folder", str(tmp_path), *options])

    assert run("--shard", "1/2").exit_code == 2
    assert run("--causal-lms", "--overlays").exit_code == 2
    assert run("--causal-lms", "--only", "lama").exit_code == 2
    assert run("--causal-lms", "--jobs", "0").exit_code == 2
    assert run("--causal-lms", "--shard", "2").exit_code == 2


def test_the_page_has_every_model_type_of_its_release() -> None:
    text = (ROOT / "docs" / "census-causal-lms.md").read_text()
    rows = rows_of(text, "## Table")
    release = present(re.search(r"transformers (\d+\.\d+\.\d+)", text))[1]
    if release == transformers.__version__:
        assert [one["Model type"] for one in rows] == list(command.model_types())
    totals = dict(re.findall(r"^\| ([a-z ]+) \| (\d+) \|", text.partition("## Table")[0], re.MULTILINE))
    assert int(totals.pop("in all")) == len(rows) == sum(map(int, totals.values()))
    marks = [set(one.values()) for one in rows]
    assert sum("✗" in cells for cells in marks) == int(totals["leak"])
    assert text.partition("## Leaks")[2].count("\n### ") == int(totals["leak"])
