"""The report opened in a real Chromium that cannot reach anything but this machine."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page

from allocation.report.report import write_report
from allocation.runs.run import Run
from tests.support import toy
from tests.support.browser import browser, toy_run
from tests.support.report_map import map_of, with_map

pytestmark = pytest.mark.timeout(900)
"""The first test pays for the run on the whole country."""

HOSTILE = "<script>document.title='kapot'</script><img src=x onerror=\"document.title='kapot'\">"
LARGEST_MB = 3.0  # of the whole country


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A toy country whose teams and locks carry markup in every text."""
    teams = toy.tables()["teams"]
    teams.loc[teams["team_id"] == "W1", ["name", "office"]] = HOSTILE
    locks = toy.locks(("1001", "W1", "pin", "", "")).assign(reason=HOSTILE)
    run = toy_run(tmp_path_factory.mktemp("hostile"), {"teams": teams, "locks": locks}, reason=HOSTILE)
    (run.folder / "validation").mkdir()
    failure = {"table": HOSTILE, "expectation": "e", "column": HOSTILE, "how_many": 1, "examples": [{HOSTILE: HOSTILE}],
               "severity": "warning", "sentence": HOSTILE, "sentence_nl": HOSTILE}  # fmt: skip
    gate = {"gate": "outcome", "success": True, "statistics": {"checks": 2, "met": 1}, "failed": [failure], "docs": ""}
    told = json.dumps({"outcome": gate, "success": True})
    (run.folder / "validation" / "result.json").write_text(told, encoding="utf-8")
    write_report(run.folder)
    return run


def test_texts_of_the_input_are_shown_and_never_run(hostile: Run) -> None:
    with browser() as chromium:
        chromium.page.goto((hostile.folder / "report.html").as_uri())
        chromium.ready()
        open_all(chromium.page)
        chromium.page.locator("details[data-region] summary", has_text="West").click()
        chromium.page.locator("details[data-region] td[data-v]").first.wait_for()
        assert chromium.page.title().startswith("Verdeling")
        assert chromium.page.locator("#teams").get_by_text("<script>").count() > 0
        assert chromium.page.locator(".bevindingen").get_by_text("onerror").count() > 0
        assert chromium.page.locator("img").count() == 0
        assert chromium.errors == []
        assert chromium.outside == []


def open_all(page: Page) -> None:
    """Tables are folded until they are wanted."""
    page.click("#open-bijlagen")


def test_tables_sort_by_keyboard_and_say_so(hostile: Run) -> None:
    with browser() as chromium:
        page = chromium.page
        page.goto((hostile.folder / "report.html").as_uri())
        chromium.ready()
        open_all(page)
        header = page.locator("#teams thead button", has_text="Gebieden")
        header.focus()
        nth = 1 + page.locator("#teams thead th").evaluate_all(
            "all => all.findIndex(th => /Gebieden/.test(th.innerText))"
        )
        for direction in ("ascending", "descending"):
            page.keyboard.press("Enter")
            assert page.locator("#teams th[aria-sort]").get_attribute("aria-sort") == direction
            shown = [int(text) for text in page.locator(f"#teams tbody tr > :nth-child({nth})").all_inner_texts()]
            assert shown == sorted(shown, reverse=direction == "descending")
        page.locator("#melding", has_text="aflopend").wait_for(state="attached")


def test_the_edition_for_readers_works_where_counts_are_hidden(hostile: Run, tmp_path: Path) -> None:
    """Here no postcode shows its work: the tables per region have dashes instead."""
    text = (hostile.folder / "report_readers.html").read_text(encoding="utf-8")
    value = map_of(text)
    for layer in value["layers"]:
        layer |= {name: [None] * len(layer[name]) for name in ("hours", "clients")}
    hidden = with_map(text, value)
    (tmp_path / "report.html").write_text(hidden, encoding="utf-8")
    with browser() as chromium:
        chromium.page.goto((tmp_path / "report.html").as_uri())
        chromium.ready()
        open_all(chromium.page)
        chromium.page.locator("details[data-region] summary", has_text="West").click()
        cell = chromium.page.locator("details[data-region] td[data-v]")
        cell.first.wait_for()  # a part that opens is drawn a moment later
        cells = cell.all_inner_texts()
        assert set(cells) == {"–"}
        assert chromium.errors == []


def test_it_says_what_is_not_in_order(tmp_path: Path) -> None:
    """A plan that gives W2 nothing: the report names the team and the rule, in Dutch."""
    run = toy_run(tmp_path)
    layer = next(key for key in run.layer_keys() if key == "01_zw_wia_alle")
    plan = pd.read_parquet(run.folder / "layers" / layer / "plan.parquet").assign(team=0)
    plan.to_parquet(run.folder / "layers" / layer / "plan.parquet", index=False)
    text = write_report(run.folder).read_text(encoding="utf-8")
    assert "Team W2 heeft geen enkel gebied." in text
    assert "Alle voorgestelde verdelingen voldoen" not in text


@pytest.mark.heavy
def test_the_country_is_one_file_that_works_without_a_network(country: Run) -> None:
    """Every area is drawn, toggles and search work, no request leaves the page, no serious axe-core issue."""
    path = country.folder / "report.html"
    assert path.stat().st_size < LARGEST_MB * 1e6
    with browser() as chromium:
        page = chromium.page
        page.goto(path.as_uri())
        chromium.ready()
        assert page.get_attribute("html", "lang") == "nl"
        assert page.evaluate("caseload.map.paths.length") == 4044
        chromium.shot("sectoren-rapport")
        page.locator("#kaart-kop").evaluate("e => e.scrollIntoView()")
        chromium.shot("rapport-kaart")
        page.check("input[value=changes]")
        page.select_option("#regio", label="Rijnmond")
        chromium.shot("rapport-wijzigingen")
        page.fill("#zoek", "3511")
        page.keyboard.press("Enter")
        assert "3511" in page.inner_text("#gebied")
        open_all(page)
        page.locator("details[data-region] summary", has_text="Zeeland").click()
        page.locator("details[data-region][open] tbody tr").nth(100).wait_for(state="attached")
        assert page.locator("details[data-region][open] tbody tr").count() > 100
        assert chromium.serious_issues() == []
        assert [url for url in chromium.asked if not url.startswith("file:")] == []
        assert chromium.errors == []


@pytest.mark.heavy
def test_on_paper_every_page_of_a_table_names_its_columns_and_the_map_keeps_its_shape(country: Run) -> None:
    """Chromium repeats a table's header on every page, but not the buttons in it; and a canvas would be stretched."""
    with browser() as chromium:
        page = chromium.page
        page.goto((country.folder / "report.html").as_uri())
        chromium.ready()
        open_all(page)
        page.emulate_media(media="print")
        shown = "getComputedStyle(document.querySelector('#teams thead th'), '::before').content"
        assert page.evaluate(shown) == '"Team"'
        assert not page.locator("#teams thead button").first.is_visible()
        style = "getComputedStyle(document.getElementById('kaart-voorstel-blad')).objectFit"
        assert page.evaluate(style) == "contain"
        assert len(page.pdf(prefer_css_page_size=True)) > 100_000


@pytest.mark.heavy
def test_the_map_redraws_fast_enough_to_drag(country: Run) -> None:
    """All 4,044 areas in under a second without a GPU, also on a busy machine; a click finds the postcode under it."""
    with browser() as chromium:
        page = chromium.page
        page.goto((country.folder / "report.html").as_uri())
        chromium.ready()
        spent = page.evaluate(
            "() => { const t = performance.now(); caseload.map.paint(); return performance.now() - t; }"
        )
        assert spent < 1000
        page.fill("#zoek", "7511")
        page.keyboard.press("Enter")
        box = page.locator("#kaart").bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        assert "7511" in page.inner_text("#gebied")


MOST_PAGES = 12
PAGES = re.compile(rb"/Type\s*/Page\b(?!s)")


@pytest.mark.heavy
def test_page_one_is_the_decision_and_the_print_is_short(country: Run) -> None:
    """Reason, date, what changes, both maps and the warnings come first; the folded tables are not printed."""
    with browser(width=1280, height=900) as chromium:
        page = chromium.page
        page.goto((country.folder / "report.html").as_uri())
        chromium.ready()
        first = page.locator("main section").first
        assert first.get_attribute("aria-labelledby") == "besluit"
        words = first.inner_text()
        for word in ("Ingangsdatum", "Dossiers die verhuizen", "Waar op te letten", "Goedkeurder"):
            assert word in words, word
        assert first.locator("canvas").count() == 2
        chromium.shot("rapport-besluit")
        assert len(PAGES.findall(page.pdf(prefer_css_page_size=True))) <= MOST_PAGES
        assert chromium.errors == []
