"""The examples that the help of the commands shows, as tests run them."""

import re
import shlex
from collections.abc import Iterator

from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from scanproof.cli.app import app
from verdicts import present

Command = TyperCommand | TyperGroup
_root = get_command(app)
assert isinstance(_root, TyperGroup)


def _pages(command: Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Command]]:
    yield " ".join(path), command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _pages(inner, (*path, name))


PAGES = dict(_pages(_root))
"""Every command by what is said to get it; the whole program is the empty text."""

EXAMPLES = {
    name: present(re.fullmatch(r"Example: scanproof (.+)", present(page.epilog).split("\n\n")[0]))[1]
    for name, page in PAGES.items()
}


def example(name: str) -> list[str]:
    """Return the arguments of scanproof in the example of a command."""
    return shlex.split(EXAMPLES[name])
