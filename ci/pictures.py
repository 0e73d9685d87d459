"""Take the pictures of ``docs/images`` anew: ``PYTHONPATH=tests python ci/pictures.py``; needs Chromium."""

import tempfile
from pathlib import Path

import torch
from torch import nn

import scanproof
from chromium import chromium, opened
from scanproof.lean.catalogue import carried
from scanproof.lean.site import write_site
from scanproof.report.html import write
from scanproof.report.record import document

IMAGES = Path(__file__).parents[1] / "docs" / "images"
THEOREM = "theorem/Scanproof.selectiveMamba_runList_append_outputs_prefix.html"
MODULE = "Spec.Causality.SelectiveMamba"


class Block(nn.Module):
    """A residual block with a convolution, which pads on the left alone unless it ``peeks``."""

    def __init__(self, peeks: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv1d(8, 8, kernel_size=3, groups=8)
        self.pad = (1, 1) if peeks else (2, 0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padded = nn.functional.pad(x.transpose(1, 2), self.pad)
        return x + nn.functional.silu(self.conv(padded)).transpose(1, 2).cumsum(1) / 8


def report(folder: Path) -> Path:
    """Write the report of a leaky stack and of a decaying sum."""
    torch.manual_seed(0)
    stack = nn.Sequential(Block(), Block(peeks=True), Block()).eval()
    x = torch.randn(2, 37, 8)
    spec = scanproof.DiagonalS4Spec(inProj=[[1.0]], a=[0.5], outProj=[[1.0]], skip=[[0.0]])
    decay = 0.5 ** (torch.arange(37)[:, None] - torch.arange(37)).tril()
    found = [
        ("a stack of three blocks", scanproof.audit(stack, x)),
        ("a decaying sum", scanproof.check_refinement(lambda x: decay.tril() @ x, spec, x[:, :, :1])),
    ]
    return write(document(found), folder / "report.html")


def main() -> None:
    """Take every picture in both themes."""
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        folder = Path(name)
        html = report(folder)
        write_site(carried(), folder)
        for scheme in ("light", "dark"):
            with opened(browser, html, scheme) as page:
                page.screenshot(path=IMAGES / f"report-{scheme}.png")
                page.locator(".map").evaluate("map => scrollTo(0, map.offsetTop - 120)")
                page.screenshot(path=IMAGES / f"report-map-{scheme}.png")
            with opened(browser, folder / THEOREM, scheme) as page:
                page.screenshot(path=IMAGES / f"theorem-{scheme}.png")
            with opened(browser, folder / "graph.html", scheme) as page:
                page.locator(f"[data-module='{MODULE}']").focus()
                page.screenshot(path=IMAGES / f"graph-{scheme}.png")


if __name__ == "__main__":
    main()
