"""Charts of error/bound as SVG, for pages that need no script to show them."""

from collections.abc import Mapping
from math import ceil, floor, inf, log10
from typing import Any

from scanproof.extras import extra

with extra("report", "Pages of HTML"):
    from markupsafe import Markup

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 480, 240, 52, 34, 12


def charts(spread: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the charts of a spread, each with ``svg`` and ``caption``; no charts without a spread."""
    if not spread:
        return []
    over_time = "Greatest error/bound at each position; values above the dashed line at 1 are not rounding."
    return [
        {"svg": _over_time(spread), "caption": over_time},
        {"svg": _histogram(spread), "caption": _counted(spread)},
    ]


def _counted(spread: Mapping[str, Any]) -> str:
    entries = sum(spread["counts"]) + spread["exact"] + spread["beyond"]
    beyond = f", {spread['beyond']} with an infinite error" if spread["beyond"] else ""
    return f"Entries by error/bound, {entries} in all: {spread['exact']} without any error{beyond}."


def _over_time(spread: Mapping[str, Any]) -> Markup:
    ratios = [float(ratio) for ratio in spread["over_time"]]
    sizes = [log10(ratio) for ratio in ratios if 0 < ratio < inf]
    low, high = floor(min([*sizes, 0.0])), ceil(max([*sizes, 0.5]))
    step = (WIDTH - LEFT - 10) / max(len(ratios), 1)

    def height(size: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - min(max(size, low), high)) / (high - low)

    dots = Markup("").join(
        Markup('<circle class="dot{}" cx="{:.1f}" cy="{:.1f}" r="3"><title>t={}: {}</title></circle>').format(
            " beyond" if ratio > 1 else "",
            LEFT + (t + 0.5) * step,
            height(log10(ratio) if 0 < ratio < inf else (high if ratio else low)),
            t,
            f"{ratio:.3g}",
        )
        for t, ratio in enumerate(ratios)
    )
    marks = Markup("").join(
        Markup('<text x="{}" y="{:.1f}" text-anchor="end">1e{}</text>').format(
            LEFT - 6, height(power) + 4, power
        )
        for power in range(low, high + 1, max(1, (high - low) // 5))
    )
    bound = Markup('<line class="bound" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
        LEFT, WIDTH - 10, height(0.0), height(0.0)
    )
    return _frame("Error over bound, by position", marks + bound + dots, "0", f"t = {len(ratios) - 1}")


def _histogram(spread: Mapping[str, Any]) -> Markup:
    counts, edges = spread["counts"], [float(edge) for edge in spread["edges"]]
    most = max([*counts, 1])
    width = (WIDTH - LEFT - 10) / len(counts)
    tall = HEIGHT - TOP - BOTTOM
    bars = Markup("").join(
        Markup(
            '<rect class="bar{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
            "<title>{} … {}: {} entries</title></rect>"
        ).format(
            " beyond" if first >= 1 else "",
            LEFT + place * width + 1,
            TOP + tall * (1 - count / most),
            max(width - 2, 1),
            tall * count / most,
            f"{first:.2g}",
            f"{last:.2g}",
            count,
        )
        for place, (count, first, last) in enumerate(zip(counts, edges, edges[1:], strict=False))
    )
    marks = Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(LEFT - 6, TOP + 8, most)
    return _frame("Entries by error over bound", marks + bars, f"{edges[0]:.2g}", f"{edges[-1]:.2g}")


def _frame(label: str, content: Markup, first: str, last: str) -> Markup:
    floor_ = HEIGHT - BOTTOM
    return Markup(
        '<svg viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
        '<line class="axis" x1="{l}" x2="{r}" y1="{f}" y2="{f}"/>{content}'
        '<text x="{l}" y="{y}">{first}</text><text x="{r}" y="{y}" text-anchor="end">{last}</text></svg>'
    ).format(
        w=WIDTH,
        h=HEIGHT,
        label=label,
        l=LEFT,
        r=WIDTH - 10,
        f=floor_,
        y=HEIGHT - 12,
        content=content,
        first=first,
        last=last,
    )
