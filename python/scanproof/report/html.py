"""Reports as one page of HTML: no other file, no network, light and dark, usable by keyboard."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scanproof import theorems
from scanproof.report.chart import charts
from scanproof.report.pages import joined, render


def write(
    document: Mapping[str, Any],
    path: str | Path,
    *,
    title: str = "scanproof report",
    site: str | None = None,
) -> Path:
    """Write a document of reports as a page; return its path.

    Args:
        document: what :func:`scanproof.report.record.document` returned, or the JSON that was made of it.
        path: the file; an existing file is replaced.
        title: heading of the page.
        site: address of the site that ``scanproof theorems --site`` made, for links to theorems. Default:
            links lead to the list at the end of the page.
    """
    path = Path(path)
    path.write_text(page(document, title=title, site=site), encoding="utf-8")
    return path


def page(
    document: Mapping[str, Any],
    *,
    title: str = "scanproof report",
    site: str | None = None,
) -> str:
    """Return the page that :func:`write` writes."""
    reports = [
        {
            **report,
            "number": number,
            "tree": _tree(report["origin"]["outline"]) if report["origin"] else None,
            "charts": charts(report["spread"]),
        }
        for number, report in enumerate(document["reports"], start=1)
    ]
    names = dict.fromkeys(name for report in reports for name in report["theorems"])
    seeds = dict.fromkeys(str(report["seed"]) for report in reports if report["seed"] is not None)
    return render(
        "report.html.j2",
        css=joined(("style.css", "report.css")),
        script=joined(("page.js", "report.js")),
        title=title,
        site=site.rstrip("/") if site else None,
        document=document,
        reports=reports,
        theorems={name: theorems.meanings().get(name, "") for name in names},
        seeds=", ".join(seeds) or "none",
    )


def _tree(outline: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return lines with depths as a tree; None without lines."""
    above: list[dict[str, Any]] = []
    for line in outline:
        node: dict[str, Any] = {"line": line, "children": []}
        del above[line["depth"] :]
        if above:
            above[-1]["children"].append(node)
        above.append(node)
    return above[0] if above else None
