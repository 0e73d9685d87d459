"""The machine's own Chromium, driven by playwright; no browser is downloaded."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

Scheme = Literal["light", "dark"]

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> "Iterator[BrowserContext]":
    """Return a browser context without network, with an empty profile; skip where there is no Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs Chromium; run: apt-get install chromium")
    driver = pytest.importorskip(
        "playwright.sync_api", reason="needs playwright; run: pip install playwright"
    )
    with driver.sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=program,
            headless=True,
            args=FLAGS,
            offline=True,
            viewport={"width": 1100, "height": 800},
        )
        context.set_default_timeout(300_000)  # milliseconds; other programs may run beside it
        try:
            yield context
        finally:
            context.close()


@contextmanager
def opened(context: "BrowserContext", file: Path, scheme: Scheme = "light") -> "Iterator[Page]":
    """Return a page of a file; fail at the end if anything was reported on its console."""
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.append(f"not loaded: {request.url[:80]}"))
    page.emulate_media(color_scheme=scheme)
    page.goto(file.as_uri())
    try:
        yield page
        assert said == []
    finally:
        page.close()
