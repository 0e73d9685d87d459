"""The pages of the documentation, and the blocks that they show."""

import re
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "TRUST.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^ *```(?P<kind>[^\n]*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(
    r"^\$ (?P<command>[^\n#]+?) *(?:#[^\n]*)?\n(?P<output>(?:(?!\$ )[^\n]*\n)*)", re.MULTILINE
)


class Block(NamedTuple):
    """A fenced block: what stands behind the fence, its lines, and the kind of a block right before it."""

    page: str
    kind: str
    text: str
    follows: str | None


def name(page: Path) -> str:
    """Return the name of a page from the repository's root."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    found, text = [], page.read_text(encoding="utf-8")
    last: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        adjacent = last is not None and text[last.end() : fence.start()] == "\n"
        follows = last["kind"] if last is not None and adjacent else None
        found.append(Block(name(page), fence["kind"], fence["text"], follows))
        last = fence
    return found


def commands(block: Block) -> list[tuple[str, str]]:
    """Return the commands of a console block, and what it shows that each prints."""
    return [(found["command"], found["output"]) for found in _COMMAND.finditer(block.text)]


def prose(page: Path) -> str:
    """Return a page without its blocks, on one line."""
    return " ".join(_FENCE.sub("", page.read_text(encoding="utf-8")).split())


def rows_of(text: str, heading: str = "# ") -> list[dict[str, str]]:
    """Return the rows of the first table under a heading, by column, without those that name a family."""
    lines = dropwhile(lambda line: line[:2] != "| ", text.partition(heading)[2].splitlines())
    table = takewhile(lambda line: line[:2] == "| ", lines)
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:] if "**" not in row[0]]
