"""The pictures of a page of reports, drawn with matplotlib."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scanproof.errors import InvalidArgument
from scanproof.extras import extra
from scanproof.report.leakage import LATER, READS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(document: Mapping[str, Any]) -> "Figure":
    """Return a figure with every picture of a document of reports: leakage, and error over bound.

    Args:
        document: a result of :func:`scanproof.report.record.document`, or its JSON.

    Raises:
        InvalidArgument: no report has a picture.
        MissingDependency: matplotlib is not installed.
    """
    with extra("plot", "Pictures"):
        from matplotlib.figure import Figure
    pictures = [
        (painter, report[key], report["subject"])
        for report in document["reports"]
        for key, painters in (("leakage", (_leakage,)), ("spread", (_over_time, _histogram)))
        if report[key]
        for painter in painters
    ]
    if not pictures:
        raise InvalidArgument(
            "plot: the report has no picture; the reports of leak_map and check_refinement have pictures."
        )
    figure = Figure(figsize=(5 * len(pictures), 4), layout="constrained")
    axes = figure.subplots(1, len(pictures), squeeze=False)[0]
    for (painter, picture, subject), axis in zip(pictures, axes, strict=True):
        painter(axis, picture, subject)
    return figure


def _leakage(axes: "Axes", picture: Mapping[str, Any], subject: str) -> None:
    import numpy as np
    from matplotlib.colors import LogNorm

    values = np.array(picture["values"], dtype=np.float64)
    kinds = np.array([list(row) for row in picture["kinds"]])
    shown = values[(values > 0) & np.isfinite(values)]
    norm = LogNorm(shown.min(), shown.max()) if shown.size else None
    extent = (-0.5, picture["inputs"] - 0.5, picture["outputs"] - 0.5, -0.5)
    for kind, colours in ((READS, "Blues"), (LATER, "Reds")):
        part = np.ma.masked_where((kinds != kind) | (values == 0), values)
        axes.imshow(part, cmap=colours, norm=norm, extent=extent, interpolation="nearest")
    axes.set(xlabel="input s", ylabel="output t", title=_title("red: a later input is read", subject))


def _over_time(axes: "Axes", picture: Mapping[str, Any], subject: str) -> None:
    axes.plot([float(ratio) for ratio in picture["over_time"]], ".")
    axes.axhline(1.0, color="tab:red", linestyle="--")
    axes.set(
        yscale="log", xlabel="t", ylabel="error/bound", title=_title("greatest at each position", subject)
    )


def _histogram(axes: "Axes", picture: Mapping[str, Any], subject: str) -> None:
    axes.stairs(picture["counts"], [float(edge) for edge in picture["edges"]], fill=True)
    exact = picture["exact"]
    axes.set(
        xscale="log", xlabel="error/bound", ylabel="entries", title=_title(f"{exact} without error", subject)
    )


def _title(what: str, subject: str) -> str:
    return f"{subject}: {what}" if subject else what
