"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, and no more text than the outcome.")]
Html = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the report to this file too, as one page of HTML.")
]
