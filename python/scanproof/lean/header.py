"""The header of a Lean file: ``module`` and its imports, read without running Lean."""

import re
from dataclasses import dataclass

_MODULE = re.compile(r"module\b")
_IMPORT = re.compile(r"(?:public\s+)?(?:meta\s+)?import\s+(?:all\s+)?(?P<name>[^\s]+)")
_DOC = re.compile(r"/-[-!]")


@dataclass(frozen=True)
class Import:
    """One import statement: the imported module, its line (counted from 1) and its text."""

    module: str
    line: int
    text: str


@dataclass(frozen=True)
class Header:
    """The imports of a Lean file, and the character offset at which the header ends."""

    imports: tuple[Import, ...]
    end: int


def parse_header(source: str) -> Header:
    """Read ``module`` and the imports at the top of a Lean source text."""
    imports = []
    end = 0
    position = skip_trivia(source, 0)
    if match := _MODULE.match(source, position):
        end = match.end()
        position = skip_trivia(source, end)
    while match := _IMPORT.match(source, position):
        line = source.count("\n", 0, position) + 1
        imports.append(Import(match["name"], line, " ".join(match.group().split())))
        end = match.end()
        position = skip_trivia(source, end)
    return Header(tuple(imports), end)


def skip_trivia(source: str, position: int) -> int:
    """Return the offset of the first text that is neither blank nor an ordinary comment."""
    while position < len(source):
        if source[position].isspace():
            position += 1
        elif source.startswith("--", position):
            newline = source.find("\n", position)
            position = len(source) if newline < 0 else newline
        elif source.startswith("/-", position) and not _DOC.match(source, position):
            position = comment_end(source, position)
        else:
            break
    return position


def comment_end(source: str, position: int) -> int:
    """Return the offset after the block comment that starts at ``position``; block comments nest."""
    depth = 0
    for match in re.compile(r"/-|-/").finditer(source, position):
        depth += 1 if match.group() == "/-" else -1
        if depth == 0:
            return match.end()
    return len(source)
