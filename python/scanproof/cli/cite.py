"""``scanproof cite``."""

from typing import Annotated

import typer

from scanproof.cli.exits import PASSED
from scanproof.cli.options import Json


def cite(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME...", help="Names of theorems, with or without the prefix Scanproof."),
    ],
    form: Annotated[str, typer.Option("--format", "-f", help="bibtex, latex, text or cff.")] = "bibtex",
    json: Json = False,
) -> int:
    """Print a citation of a theorem of this version, for a paper or a CITATION.cff."""
    from scanproof.cli.show import show_json
    from scanproof.lean import citation
    from scanproof.lean.catalogue import carried

    catalogue = carried()
    cited = [
        (catalogue.theorem(name), citation.cite(catalogue.theorem(name), catalogue, form)) for name in names
    ]
    if json:
        entries = [{"name": theorem.name, "format": form, "citation": text} for theorem, text in cited]
        show_json({"command": "cite", "citations": entries})
    else:
        print("\n\n".join(text for _, text in cited))
    return PASSED
