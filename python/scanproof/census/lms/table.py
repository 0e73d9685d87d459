"""The census of causal language models as plain data, and as Markdown."""

import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from scanproof.census.lms.exceptions import SPECIAL
from scanproof.census.lms.result import OUTCOMES, Found, Outcome, Row
from scanproof.census.lms.ways import LENGTH, PADS, PIECES, WAYS
from scanproof.census.table import plain

MARKS: dict[Outcome, str] = {
    "established": "✓",
    "no counterexample": "○",
    "leak": "✗",
    "open": "?",
    "not asked": "·",
}

STATUSES = {
    "established": "by reading, in every way that it can be called: every input of the shape",
    "no counterexample": "by reading in some ways or in none; in the others the cuts found no counterexample",
    "leak": "a counterexample in some way",
    "open": "not established in some way, and the cuts did not decide",
    "not built": "no small model could be made, or it did not run to its end",
}
"""What a model type is, and what that rests on."""

ROOM = 420
"""Characters of a reason on the page; the JSON has all of it."""


def status(row: Row) -> str:
    """Return the key of ``STATUSES`` of a row: that of its gravest way."""
    if row.problem or not row.outcomes:
        return "not built"
    return next(name for name in ("leak", "open", "no counterexample", "established") if name in row.outcomes)


def document(rows: Sequence[Row], made: str) -> dict[str, Any]:
    """Return the whole census as JSON can hold it."""
    return {
        "made": made,
        "environment": environment(rows),
        "ways": [way.name for way in WAYS],
        "totals": totals(rows),
        "rows": [{**asdict(row), "status": status(row)} for row in rows],
    }


def environment(rows: Sequence[Row]) -> dict[str, str]:
    """Return the versions that rows were made with; all of them where rows differ."""
    return {
        "transformers": " and ".join(sorted({row.transformers for row in rows})),
        "torch": " and ".join(sorted({row.torch for row in rows})),
        "scanproof": " and ".join(sorted({row.scanproof for row in rows})),
        "python": platform.python_version(),
    }


def totals(rows: Sequence[Row]) -> dict[str, int]:
    """Return how many rows have each status."""
    return {name: sum(status(row) == name for row in rows) for name in STATUSES}


def markdown(rows: Sequence[Row], made: str) -> str:
    """Return the page: totals, the table, and what is behind every mark that is no ✓."""
    parts = [
        _head(rows, made),
        _table(rows),
        _leaks(rows),
        _unestablished(rows),
        _unasked(rows),
        _unbuilt(rows),
        _special(rows),
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(rows: Sequence[Row], made: str) -> Iterator[str]:
    shared = ", ".join(f"{name} {value}" for name, value in environment(rows).items())
    yield "# Census of causal language models"
    yield ""
    yield (
        f"Made {made} by `scanproof census --causal-lms` with {shared}; seed {rows[0].seed}. Every "
        "model type that transformers has a causal language model for is built with a small config and "
        "random weights, and its program is read (`scanproof.programs.read`): may an output read a later "
        "token, or another example? What reading does not establish goes to the cuts: a certificate of "
        "gradients, replaced futures, replaced examples."
    )
    yield ""
    yield "| Model types | | What it rests on |"
    yield "| --- | --- | --- |"
    for name, count in totals(rows).items():
        yield f"| {name} | {count} | {STATUSES[name]} |"
    yield f"| in all | {len(rows)} | |"
    yield ""
    yield (
        f"A reading holds for every input of the shape, 2 examples of {LENGTH} tokens, and for every value "
        "of the parameters. It says nothing about other lengths and other configs. The cuts speak of the "
        "inputs that they tried."
    )
    yield ""
    yield from (f"- {MARKS[outcome]} {text}" for outcome, text in OUTCOMES.items())
    yield "- \\* for inputs that take the same path: values decide what is run, and the JSON says where."
    yield ""
    yield (
        f"*padded*: a mask for {PADS} positions of padding on the left of the first example; logits at "
        "padding are not looked at. *cached*: a prefill, then a call with "
        f"{PIECES[0]} tokens and a call with {PIECES[1]} that go on from the cache, as one function of all "
        "tokens. A call has no later token than those it is given. So this asks three things: a call with "
        "several tokens must not look ahead within them, a row must read its own row of the cache only, and "
        "what the prefill leaves in the cache must not carry anything else."
    )
    yield ""


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield "## Table"
    yield ""
    yield "| Model type | " + " | ".join(way.name for way in WAYS) + " |"
    yield "| --- |" + " --- |" * len(WAYS)
    for row in rows:
        found = {one.way: one for one in row.found}
        cells = " | ".join(_mark(found[way.name]) if way.name in found else "" for way in WAYS)
        yield f"| {row.model_type} | {cells} |"
    yield ""


def _mark(found: Found) -> str:
    return MARKS[found.outcome] + ("\\*" if found.outcome == "established" and found.steered else "")


def _leaks(rows: Sequence[Row]) -> Iterator[str]:
    yield "## Leaks"
    yield ""
    leaking = [row for row in rows if "leak" in row.outcomes]
    if not leaking:
        yield "None."
        yield ""
    for row in leaking:
        leaks = [found for found in row.found if found.outcome == "leak"]
        first = next((found for found in leaks if found.program), leaks[0])
        yield f"### {row.model_type}, transformers {row.transformers}"
        yield ""
        yield f"`{row.kind}`, in these ways: {'; '.join(found.way for found in leaks)}."
        yield ""
        yield f"- Reading, {first.way}: {_short(first.reason)}"
        yield from (f"- {_short(line)}" for line in first.evidence)
        yield ""
        if first.program:
            yield "The program stops with an `AssertionError` if the fault is absent."
            yield ""
            yield f"```python\n{first.program}```"
        else:
            yield "No program: changing tokens at one input shows no change."
        yield ""


def _unestablished(rows: Sequence[Row]) -> Iterator[str]:
    yield "## Not established by reading"
    yield ""
    yield (
        "Reading says that an output *may* read what it must not. The cuts found no counterexample (○), "
        "or did not decide (?)."
    )
    yield ""
    for row in rows:
        for reason, group in _grouped(row, ("no counterexample", "open")):
            ways = "; ".join(f"{found.way} {MARKS[found.outcome]}" for found in group)
            yield f"- **{row.model_type}**, {ways}: {_short(reason)}"
            for found in group:
                if found.outcome == "open":
                    yield from (f"    - {found.way}: {_short(line)}" for line in found.evidence)
    yield ""


def _grouped(row: Row, outcomes: Sequence[Outcome]) -> Iterator[tuple[str, list[Found]]]:
    """Yield the ways with the same reason together."""
    groups: dict[str, list[Found]] = {}
    for found in row.found:
        if found.outcome in outcomes:
            groups.setdefault(found.enters, []).append(found)
    yield from ((group[0].reason, group) for group in groups.values())


def _unasked(rows: Sequence[Row]) -> Iterator[str]:
    yield "## Ways that are not asked about, or not in full"
    yield ""
    reasons: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        for found in row.found:
            reason = found.reason if found.outcome == "not asked" else found.note
            if reason:
                reasons.setdefault(reason, {}).setdefault(row.model_type, []).append(found.way)
    for reason, types in reasons.items():
        attentions = {way.partition(",")[0] for ways in types.values() for way in ways}
        whole = len({len(ways) for ways in types.values()}) == 1 and len(attentions) == 1
        names = ", ".join(
            name if whole and len(ways) == 3 else f"{name} ({'; '.join(ways)})"
            for name, ways in types.items()
        )
        yield f"- {_short(reason)}: {names}"
    yield ""


def _unbuilt(rows: Sequence[Row]) -> Iterator[str]:
    yield "## Not built"
    yield ""
    yield "These count as nothing: neither as established nor as checked."
    yield ""
    for row in rows:
        if status(row) == "not built":
            asked = f" ({len(row.found)} ways asked before)" if row.found else ""
            yield f"- **{row.model_type}**{asked}: {_short(row.problem or 'no way to call it works')}"
    yield ""


def _special(rows: Sequence[Row]) -> Iterator[str]:
    yield "## Settings that field names do not give"
    yield ""
    yield (
        "A small config comes from the names of its fields: widths, layers, heads, experts, windows. These "
        "types need more."
    )
    yield ""
    known = {row.model_type for row in rows}
    for name, special in SPECIAL.items():
        if name in known:
            settings = ", ".join(f"{key} = {value}" for key, value in special.settings.items())
            yield f"- {name}: {plain(special.reason)} ({plain(settings)})"


def _short(text: str) -> str:
    text = text if len(text) <= ROOM else f"{text[:ROOM]} …"
    return plain(text).replace("_", "\\_").replace("[", "\\[")
