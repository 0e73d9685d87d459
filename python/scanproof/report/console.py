"""Where commands print their results."""

import os

from rich.console import Console


def output() -> Console:
    """Return a console for results; lines have 110 columns if the output is not a terminal."""
    console = Console(highlight=False)
    wide = console.is_terminal or "COLUMNS" in os.environ
    return console if wide else Console(highlight=False, width=110)
