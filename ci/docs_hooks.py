"""Hooks of the documentation's build: the page of commands is made from their help."""

import re
from pathlib import Path
from typing import Any

import typer
from typer.cli import get_docs_for_click


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put the help of every command where a page asks for it, and mend links of pages from the top level."""
    if page.file.src_uri == "explanation/trust.md":
        trust = (Path(__file__).parents[1] / "TRUST.md").read_text(encoding="utf-8")
        return trust.replace("](docs/", "](../")
    return markdown.replace("<!-- commands -->", _commands()) if "<!-- commands -->" in markdown else markdown


def _commands() -> str:
    from scanproof.cli.app import app

    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="scanproof")
    return re.sub(r"^#", "##", get_docs_for_click(obj=command, ctx=context, name="scanproof"), flags=re.M)
