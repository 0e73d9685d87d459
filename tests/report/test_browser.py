"""The page of a report in a browser: nothing fails, the map responds, and all of it works without a mouse."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chromium import Scheme, chromium, opened
from scanproof.report.html import write
from scanproof.report.record import document
from verdicts import present

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page


@pytest.fixture(scope="module")
def browser() -> "Iterator[BrowserContext]":
    with chromium() as context:
        yield context


@pytest.fixture(scope="module")
def file(reports: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    several = [("a leaky stack", reports["AuditReport"]), ("a wrong scan", reports["RefinementReport"])]
    return write(document(several), tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture
def page(browser: "BrowserContext", file: Path) -> "Iterator[Page]":
    with opened(browser, file) as page:
        yield page


def pair(page: "Page") -> str:
    return page.locator(".map output").inner_text().splitlines()[0]


def test_it_has_everything(page: "Page", reports: dict[str, Any]) -> None:
    rows = page.locator("#verdicts tbody tr")
    assert rows.count() == 2 + 8
    assert rows.first.inner_text() == "a leaky stack"
    assert "LEAK" in rows.nth(1).inner_text()
    assert "– NOT_APPLICABLE" in rows.nth(6).inner_text()
    assert page.locator(".found").count() > 0
    assert page.locator(".tree .enters").first.inner_text().startswith("1.norm (NormOverTime)")
    assert page.locator("svg .dot").count() == 11
    assert page.locator("svg .bar.beyond").count() > 0
    assert page.locator(".bands tbody tr").count() > 1
    assert page.locator(".bands .beyond").count() > 0
    assert "scanproof.check_refinement(fn, spec, x" in page.locator("#program-9").inner_text()
    assert page.locator("#theorems").inner_text().count("scanproof cite") == 7
    environment = page.locator("#environment").inner_text()
    assert all(name in environment for name in ("scanproof", "torch", "python", "seeds"))


def test_theorems_say_what_they_mean_and_lead_to_their_pages(
    browser: "BrowserContext", reports: dict[str, Any], tmp_path: Path
) -> None:
    page = reports["PrefixReport"].to_html(tmp_path / "report.html", site="https://example.org/theorems/")
    with opened(browser, page) as shown:
        theorem = shown.locator("#theorems li")
        assert "Appending future tokens ys cannot change the outputs" in theorem.inner_text()
        assert theorem.locator("a").get_attribute("href") == (
            "https://example.org/theorems/theorem/Scanproof.Runner.take_outputs_append.html"
        )


def test_it_loads_nothing_else(browser: "BrowserContext", file: Path) -> None:
    asked: list[str] = []
    browser.on("request", lambda request: asked.append(request.url))
    with opened(browser, file):
        pass
    assert {url for url in asked if not url.startswith("data:")} == {file.as_uri()}


def test_hovering_names_the_pair(page: "Page") -> None:
    canvas = page.locator(".map canvas")
    canvas.scroll_into_view_if_needed()
    box = present(canvas.bounding_box())
    page.mouse.move(box["x"] + box["width"] * 7.5 / 11, box["y"] + box["height"] * 2.5 / 11)
    assert pair(page) == "t=2 <- s=7"
    assert "reads a later input" in page.locator(".map output").inner_text()
    page.mouse.move(box["x"] + box["width"] * 2.5 / 11, box["y"] + box["height"] * 7.5 / 11)
    assert pair(page) == "t=7 <- s=2"
    assert "reads an input that it may" in page.locator(".map output").inner_text()


def test_the_map_begins_at_the_worst_pair(page: "Page", reports: dict[str, Any]) -> None:
    worst = reports["AuditReport"].leak_map.worst(1)[0]
    assert pair(page) == f"t={worst.t} <- s={worst.s}"


def test_keys_move_and_zoom(page: "Page") -> None:
    canvas = page.locator(".map canvas")
    canvas.focus()
    for _ in range(11):
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowLeft")
    assert pair(page) == "t=0 <- s=0"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert pair(page) == "t=1 <- s=2"
    page.keyboard.press("+")
    assert canvas.get_attribute("data-span") == "5.5"
    page.keyboard.press("-")
    page.keyboard.press("-")
    assert canvas.get_attribute("data-span") == "11"


def drawn(page: "Page") -> str:
    return page.evaluate("document.querySelector('.map canvas').toDataURL()")


def test_wheel_and_buttons_zoom_and_dragging_moves(page: "Page") -> None:
    canvas = page.locator(".map canvas")
    whole = drawn(page)
    canvas.hover()
    page.mouse.wheel(0, -200)
    page.wait_for_function("document.querySelector('.map canvas').dataset.span < 11")
    page.locator("[data-zoom=in]").click()
    zoomed = drawn(page)
    assert zoomed != whole
    canvas.hover()
    page.mouse.down()
    size = present(page.viewport_size)
    page.mouse.move(size["width"] / 4, size["height"] / 4)
    page.mouse.up()
    assert drawn(page) != zoomed
    page.locator("[data-zoom=all]").click()
    assert canvas.get_attribute("data-span") == "11"


def test_everything_can_be_reached_by_keys(page: "Page") -> None:
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"theme", "CANVAS", "BUTTON", "SUMMARY", "A", "save", "program-9"} <= reached


@pytest.mark.parametrize(("scheme", "other"), [("light", "dark"), ("dark", "light")])
def test_it_follows_the_system_and_the_button(
    browser: "BrowserContext", file: Path, scheme: Scheme, other: Scheme
) -> None:
    def background(page: "Page") -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    colours = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 28)"}
    with opened(browser, file, scheme) as page:
        assert background(page) == colours[scheme]
        page.locator("#theme").press("Enter")
        assert background(page) == colours[other]
        assert page.locator("#theme").inner_text().lower() == scheme


def test_reproductions_are_copied(browser: "BrowserContext", page: "Page") -> None:
    browser.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("[data-copy=call-3]").click()
    assert page.evaluate("navigator.clipboard.readText()").startswith("certify(fn, x")


def test_the_page_gives_its_json_back(page: "Page", tmp_path: Path) -> None:
    with page.expect_download() as download:
        page.locator("#save").click()
    download.value.save_as(tmp_path / "report.json")
    content = json.loads((tmp_path / "report.json").read_text())
    assert [report["type"] for report in content["reports"]][::8] == ["AuditReport", "RefinementReport"]


def test_a_picture_of_it_is_no_blank(page: "Page", tmp_path: Path) -> None:
    picture = page.screenshot(path=tmp_path / "report.png", full_page=True)
    width, height = struct.unpack(">II", picture[16:24])
    assert width == 1100
    assert 2000 < height < 8000
    assert len(picture) > 50_000


def test_narrow_screens_need_no_sideways_scrolling(page: "Page") -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_names_cannot_break_out_of_the_page(
    browser: "BrowserContext", reports: dict[str, Any], tmp_path: Path
) -> None:
    hostile = "</script><img src=x onerror=alert(1)>"
    file = write(document([(hostile, reports["LeakMap"])]), tmp_path / "report.html", title=hostile)
    with opened(browser, file) as page:
        assert page.locator("img").count() == 0
        assert hostile in page.locator("h1").inner_text()
