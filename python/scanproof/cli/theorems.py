"""``scanproof theorems``."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from scanproof.cli.exits import PASSED
from scanproof.cli.options import Json, Quiet, output_file, output_folder


def theorems(
    pattern: Annotated[
        list[str] | None,
        typer.Argument(
            help="Words to search for. A theorem must have all of them in its name, statement or "
            "documentation.",
            show_default=False,
        ),
    ] = None,
    site: Annotated[
        Path | None,
        typer.Option(
            callback=output_folder, help="Write a web site with a page for each theorem into this folder."
        ),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(callback=output_file, help="Write all theorems into this Markdown file."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """List the theorems of this version, with their meaning. A single match is printed in full."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    from scanproof.cli.show import show_json
    from scanproof.errors import InvalidArgument
    from scanproof.lean.catalogue import carried

    catalogue = carried()
    if site or markdown:
        from scanproof.lean import site as sites

        if site:
            print(sites.write_site(catalogue, site))
        if markdown:
            markdown.write_text(sites.markdown(catalogue), encoding="utf-8")
        return PASSED
    given = pattern or []
    words = [word.lower() for word in given]
    exact = [one for one in catalogue.theorems if len(words) == 1 and _is(one.name, words[0])]
    found = exact or [
        one
        for one in catalogue.theorems
        if all(word in f"{one.name} {one.statement} {one.docstring}".lower() for word in words)
    ]
    if not found:
        if len(words) == 1:
            catalogue.theorem(given[0])  # names the nearest theorems
        raise InvalidArgument(f"No theorem mentions {' and '.join(given)}; try fewer or shorter words.")
    if json:
        show_json({"command": "theorems", "lean": catalogue.lean, "theorems": [asdict(one) for one in found]})
        return PASSED
    console = Console(highlight=False, soft_wrap=quiet)
    for one in found:
        console.print(Text(one.name, style="" if quiet else "bold"))
        if quiet:
            continue
        console.print(Padding(Text(one.docstring if len(found) == 1 else one.summary), (0, 0, 0, 4)))
        if len(found) == 1:
            console.print(Padding(Text(one.statement), (1, 0, 1, 4)))
            axioms = ", ".join(one.axioms) or "none"
            console.print(
                Padding(Text(f"{one.file}, line {one.line}; axioms: {axioms}", style="dim"), (0, 0, 0, 4))
            )
    return PASSED


def _is(name: str, word: str) -> bool:
    return word in (name.lower(), name.lower().removeprefix("scanproof."))
