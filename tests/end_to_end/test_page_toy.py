"""The planners' page on the toy country, in a real Chromium: what needs no real map, so that it takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from allocation.pipeline import steps
from allocation.report.report import write_report
from allocation.runs.run import Run
from tests.support.browser import Browser, browser, served, toy_run

pytestmark = pytest.mark.timeout(120)


def proposed_toy(var: Path) -> Run:
    """The toy country, divided and proposed as version 1."""
    run = toy_run(var, tolerance=0.5)
    steps.validate_inputs(run)
    write_report(run.folder)
    steps.propose(run)
    return run


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return proposed_toy(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def address(toy: Run) -> Iterator[str]:
    with served(toy.store, toy.var) as url:
        yield url


@pytest.fixture
def planner(address: str) -> Iterator[Browser]:
    """The page opened by Anna."""
    with browser(width=1280, height=720) as chromium:
        chromium.page.goto(f"{address}/")
        chromium.ready()
        chromium.page.fill("#naam", "Anna")
        yield chromium
        assert (chromium.outside, chromium.errors) == ([], [])


def choose(page: Page, codes: str) -> None:
    page.fill("#codes", codes)
    page.locator("#codes").press("Enter")
    expect(page.locator("#suggesties")).to_be_visible(timeout=30_000)


def test_the_version_that_is_shown_can_be_chosen_again_and_nothing_typed_is_lost(planner: Browser) -> None:
    page = planner.page
    page.evaluate("window.isSamePage = true")
    page.select_option("#versie", page.input_value("#versie"))
    choose(page, "1005")
    assert page.evaluate("window.isSamePage")


def test_nothing_can_be_typed_into_a_page_that_would_lose_it(planner: Browser, address: str) -> None:
    """Not before it is ready, and not when another version is on its way: a form sent too early reloads the page."""
    page, held = planner.page, list[Route]()
    page.route("**/api/map?*", lambda route: held.append(route))
    page.goto(f"{address}/")
    page.wait_for_function("document.getElementById('status').textContent.includes('geladen')")
    page.evaluate("document.getElementById('codes').focus()")
    assert page.evaluate("document.activeElement.id") != "codes"
    held[0].continue_()
    planner.ready()
    page.locator("#codes").focus()
    assert page.evaluate("document.activeElement.id") == "codes"
    page.route("**/?run=*", lambda route: route.fulfill(status=204))
    page.evaluate("document.getElementById('versie').append(new Option('2', 'another'))")
    page.select_option("#versie", "another")
    page.evaluate("document.getElementById('codes').focus()")
    assert page.evaluate("document.activeElement.id") != "codes"
    expect(page.locator("html")).not_to_have_attribute("data-ready", "ja")
