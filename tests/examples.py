"""The examples that the help of the commands shows, as tests run them."""

import re
import shlex
from collections.abc import Iterator

import typer
from click import Command

from scanproof.cli.app import app


def _pages(command: Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Command]]:
    yield " ".join(path), command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _pages(inner, (*path, name))


PAGES = dict(_pages(typer.main.get_command(app)))
"""Every command by what is said to get it; the whole program is the empty text."""

EXAMPLES = {
    name: re.fullmatch(r"Example: scanproof (.+)", page.epilog.split("\n\n")[0])[1]
    for name, page in PAGES.items()
}


def example(name: str) -> list[str]:
    """Return the arguments of scanproof in the example of a command."""
    return shlex.split(EXAMPLES[name])
