"""The planners' page on two real regions, in a real Chromium that cannot reach anything but this machine.

``test_page_journey`` goes through it on the whole country."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from allocation.page import answers
from allocation.page.app import Desk
from allocation.page.changes import ChangeSet, Move
from allocation.page.suggestions import suggestions
from allocation.publication import drafts, reads, store, versions
from allocation.runs.run import Run
from tests.support.browser import Browser, after, browser, open_page, proposed_toy, served, strip, to_tab

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]
"""The first test pays for the run on the whole regions."""

REGION = "Midden-Utrecht"
NAMES = [figure.name for figure in answers.FIGURES]
CONTIGUITY, WITHOUT_TEAM = NAMES.index("Niet aaneen\u00adgesloten teams"), NAMES.index("Gebieden zonder team")
"""Columns of the table of figures."""


@pytest.fixture(scope="module")
def address(regions: Run) -> Iterator[str]:
    with served(regions.store, regions.var) as url:
        yield url


@pytest.fixture
def planner(address: str) -> Iterator[Browser]:
    """The page opened by Anna, on Midden-Utrecht."""
    with browser() as chromium:
        open_page(chromium, address, "Anna", REGION)
        yield chromium
        assert chromium.outside == []
        assert chromium.errors == []


def choose(page: Page, codes: str) -> None:
    """Type postcodes, as one does without a mouse."""
    page.fill("#codes", codes)
    page.locator("#codes").press("Enter")
    expect(page.locator("#suggesties")).to_be_visible(timeout=30_000)


def border_code(page: Page) -> str:
    """A postcode of Midden-Utrecht beside another team: the page suggests at least one taker for it."""
    return str(
        page.evaluate("""() => {
      const { value, map } = caseload, { sides, areas, region_nrs } = value, plan = map.plans[0];
      for (let i = 0; i < sides.length; i += 2) {
        const [a, b] = [sides[i], sides[i + 1]];
        if (a >= 0 && b >= 0 && region_nrs[areas.region[a]] === 14 && areas.region[a] === areas.region[b]
            && plan[a] !== plan[b] && value.layers[0].hours[a] > 50) return areas.pc4[a];
      }
    }""")
    )


def apply_first_suggestion(page: Page) -> None:
    after(page, lambda p: p.locator("#suggesties tbody button").first.click())
    expect(page.locator("#voorbeeld")).to_be_visible()
    after(page, lambda p: p.click("#toepassen"))


def test_a_change_is_previewed_applied_undone_and_done_again(planner: Browser) -> None:
    page = planner.page
    planner.shot("sectoren-regio")
    before = strip(page, "Voorstel")
    assert strip(page, "Na uw wijzigingen") == before
    choose(page, border_code(page))
    planner.shot("sectoren-suggesties")
    after(page, lambda p: p.locator("#suggesties tbody button").first.click())
    assert strip(page, "Na uw wijzigingen") != before
    expect(page.locator("#voorbeeld-tekst")).to_contain_text("toegepast is het nog niet")
    after(page, lambda p: p.click("#annuleren"))
    assert strip(page, "Na uw wijzigingen") == before
    apply_first_suggestion(page)
    applied = strip(page, "Na uw wijzigingen")
    assert applied != before
    told = dict(
        zip(page.locator("#gebied dt").all_inner_texts(), page.locator("#gebied dd").all_inner_texts(), strict=True)
    )
    assert told["Na uw wijzigingen"] != told["Voorstel"]
    planner.shot("pagina-gewijzigd")
    after(page, lambda p: p.click("#terug"))
    assert strip(page, "Na uw wijzigingen") == before
    after(page, lambda p: p.click("#opnieuw"))
    assert strip(page, "Na uw wijzigingen") == applied


def test_clicks_and_a_lasso_choose_postcodes_and_breaks_are_named(planner: Browser) -> None:
    page = planner.page
    box = page.locator("#kaart").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(x, y)
    page.keyboard.down("Shift")
    page.mouse.click(x + 120, y + 40)
    page.keyboard.up("Shift")
    assert len(page.input_value("#codes").split()) == 2
    page.click("#lasso")
    page.mouse.move(x - 60, y - 60)
    page.mouse.down()
    for dx, dy in ((60, -60), (60, 60), (-60, 60), (-60, -60)):
        page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up()
    chosen = page.input_value("#codes").split()
    assert len(chosen) > 2
    planner.shot("pagina-lasso")
    far = str(page.evaluate(FAR_CODE))
    choose(page, far.split()[0])
    page.select_option("#ander", far.split()[1])
    after(page, lambda p: p.click("#ander-bekijk"))
    after(page, lambda p: p.click("#toepassen"))
    expect(page.locator("#stukken")).to_contain_text("Door uw wijziging niet meer aaneengesloten")
    expect(page.locator("#stukken")).to_contain_text(far.split()[1])


FAR_CODE = """() => {
  const { value, map, all } = caseload, { sides, areas, region_nrs, teams } = value;
  const plan = map.plans[0], around = new Map();
  for (let i = 0; i < sides.length; i += 2) {
    const [a, b] = [sides[i], sides[i + 1]];
    if (a >= 0 && b >= 0) for (const [x, y] of [[a, b], [b, a]]) {
      if (!around.has(x)) around.set(x, new Set());
      around.get(x).add(plan[y]);
    }
  }
  const here = all.filter((a) => region_nrs[areas.region[a]] === 14), own = [...new Set(here.map((a) => plan[a]))];
  for (const a of here) for (const t of own) {
    if (t !== plan[a] && !around.get(a).has(t)) return `${areas.pc4[a]} ${teams[t].id}`;
  }
}"""


def test_a_lock_holds_while_the_region_is_divided_anew(planner: Browser) -> None:
    page = planner.page
    code = border_code(page)
    choose(page, code)
    team = page.locator("#suggesties tbody button").first.inner_text()
    to_tab(page, "vergrendelen")
    page.select_option("#slot-team", team)
    page.fill("#slot-reden", "pand aan de grens")
    after(page, lambda p: p.click("#slot button[type=submit]"))
    expect(page.locator("#sloten")).to_contain_text(f"{code} vast op {team}: pand aan de grens")
    expect(page.locator("#sloten")).to_contain_text("Anna")
    to_tab(page, "wijzigen")
    after(page, lambda p: p.click("#herbereken"))
    expect(page.locator("#status")).to_contain_text("opnieuw verdeeld in", timeout=60_000)
    held = page.evaluate("code => caseload.value.teams[caseload.map.plans[0][caseload.pc4At.get(code)]].id", code)
    assert held == team
    assert int(strip(page, "Voorstel")[CONTIGUITY]) > 0, "the sectors are not contiguous, so this proves nothing"
    assert int(strip(page, "Na uw wijzigingen")[CONTIGUITY]) == 0
    planner.shot("pagina-herberekend")
    page.click("#vergelijk")
    page.click("#tabellen")
    expect(page.locator("#betrokken tbody tr").first).to_be_visible()


def test_a_team_can_be_changed_closed_and_added(planner: Browser) -> None:
    page = planner.page
    to_tab(page, "teams")
    row = page.locator("#teams tbody tr", has_text="SMC-UTR-02")
    before = row.locator("td").nth(4).text_content()
    page.select_option("#fte-team", "SMC-UTR-02")
    page.fill("#fte-waarde", "9")
    after(page, lambda p: p.click("#fte button[type=submit]"))
    assert row.locator("td").nth(4).text_content() != before
    page.click("#nieuw summary")
    page.fill("#nieuw-code", "SMC-UTR-99")
    page.fill("#nieuw-naam", "SMC Utrecht nieuw")
    page.select_option("#nieuw-kantoor", label="Utrecht")
    page.select_option("#nieuw-regio", label="Midden-Utrecht")
    after(page, lambda p: p.click("#nieuw-team button[type=submit]"))
    expect(page.locator("#teams tbody")).to_contain_text("SMC-UTR-99")
    page.select_option("#fte-team", "SMC-UTR-03")
    after(page, lambda p: p.click("#sluit-team"))
    expect(page.locator("#teams tbody")).not_to_contain_text("SMC-UTR-03")
    assert int(strip(page, "Na uw wijzigingen")[WITHOUT_TEAM]) > 0
    planner.shot("pagina-teams")


def test_two_planners_see_each_others_drafts_and_do_not_overwrite(regions: Run, address: str) -> None:
    with browser() as anna:
        open_page(anna, address, "Anna", REGION)
        choose(anna.page, border_code(anna.page))
        apply_first_suggestion(anna.page)
        expect(anna.page.locator("#concept-nu")).to_contain_text("Bewaard als", timeout=30_000)
        name = re.search(
            '“(.+)”|"(.+)"', anna.page.inner_text("#concept-nu") or anna.page.text_content("#concept-nu") or ""
        )
        kept = drafts.drafts(regions.store, regions.run_id)[0]
        assert name is None or kept.name in name.group(0)
        assert kept.saved_by == "Anna"
        assert len(kept.content["moves"]) == 1
        bert = drafts.save(regions.store, regions.run_id, kept.name, kept.content, "Bert",
                           draft_id=kept.draft_id, revision=kept.revision)  # fmt: skip
        after(anna.page, lambda p: p.click("#terug"))
        expect(anna.page.locator("#fout")).to_contain_text("intussen bewaard door Bert", timeout=30_000)
        assert drafts.draft(regions.store, kept.draft_id) == bert
        to_tab(anna.page, "concepten")
        anna.page.locator("#conceptlijst li", has_text="Bert").get_by_role("button", name="Open").click()
        expect(anna.page.locator("#stand")).to_have_text("1 verplaatsing.", timeout=30_000)


def test_the_whole_change_can_be_made_with_the_keyboard(planner: Browser) -> None:
    page = planner.page
    page.fill("#codes", border_code(page))
    page.locator("#codes").press("Enter")
    first = page.locator("#suggesties tbody button").first
    expect(first).to_be_visible(timeout=30_000)
    for _ in range(12):
        page.keyboard.press("Tab")
        if first.evaluate("e => e === document.activeElement"):
            break
    assert first.evaluate("e => e === document.activeElement")
    after(page, lambda p: p.keyboard.press("Enter"))
    assert page.evaluate("document.activeElement.id") == "toepassen"
    after(page, lambda p: p.keyboard.press("Enter"))
    expect(page.locator("#stand")).to_have_text("1 verplaatsing.")


def test_axe_finds_no_serious_issue(planner: Browser, address: str) -> None:
    page = planner.page
    choose(page, border_code(page))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for name in ("wijzigen", "teams", "vergrendelen", "vragen", "concepten", "besluit"):
            to_tab(page, name)
            assert planner.serious_issues() == [], (scheme, name)
        for sheet in ("alle-cijfers", "grafieken", "tabellen"):
            page.click(f"#{sheet}")
            if sheet == "grafieken":
                expect(page.locator("#tekeningen svg").first).to_be_visible(timeout=60_000)
            assert planner.serious_issues() == [], (scheme, sheet)
            page.click(f"#{sheet}")
    page.goto(f"{address}/opzoeken")
    assert planner.serious_issues() == []


@pytest.mark.parametrize("width", [320, 400])
def test_on_a_narrow_screen_only_maps_and_tables_scroll_sideways(regions: Run, address: str, width: int) -> None:
    """320 px is a screen of 1280 px at 400% (WCAG 1.4.10, reflow). Everything that can be opened is open."""
    with browser(width=width, height=800) as chromium:
        page = chromium.page
        open_page(chromium, address, "Anna", REGION)
        choose(page, border_code(page))
        after(page, lambda p: p.locator("#suggesties tbody button").first.click())
        page.evaluate(OPEN_ALL)
        chromium.shot(f"pagina-{width}")
        assert page.evaluate(SIDEWAYS) == 0
        for path in ("opzoeken", "handleiding", f"rapport?run={regions.run_id}"):
            page.goto(f"{address}/{path}")
            assert page.evaluate(SIDEWAYS) == 0, path


OPEN_ALL = "document.querySelectorAll('details, [hidden]').forEach((e) => { e.open = true; e.hidden = false; })"
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("region", [REGION, "heel Nederland"])
def test_all_columns_of_the_teams_fit_an_ordinary_screen(address: str, region: str) -> None:
    with browser(width=1440, height=900) as chromium:
        open_page(chromium, address, "Anna", REGION)
        chromium.page.select_option("#regio", label=region)
        expect(chromium.page.locator("#bereik")).to_contain_text(region)
        chromium.page.click("#tabellen")
        assert chromium.page.locator("#teams").get_by_text("niet aaneengesloten").count() > 0
        hidden = "e => e.parentElement.scrollWidth - e.parentElement.clientWidth"
        assert chromium.page.locator("#teams").evaluate(hidden) == 0


def test_the_answer_to_a_change_has_figures_and_colours(regions: Run) -> None:
    desk = Desk(regions.store, regions.var)
    opened = desk.opened(regions.run_id)
    bench = opened.bench
    best = suggestions(bench.variant(ChangeSet()), "vangnet", ["3511"])[0]
    for code in ("3511", "3512", "3511"):
        changes = ChangeSet(moves=(Move(layer="vangnet", pc4=code, team_id=best.team_id),))
        variant = bench.variant(changes)
        told = answers.answer(bench, variant, "vangnet", 14)
        colours = answers.colours(opened.sides, variant, opened.colours)
        assert len(colours) == len(bench.board.teams)
        assert told["changed"]
    desk.close()


def test_a_draft_is_proposed_and_found_by_the_look_up(tmp_path: Path) -> None:
    """On the toy country: move a postcode, hand it in, approve it as the command line does: K&S finds the new team."""
    run = proposed_toy(tmp_path / "var")
    with served(run.store, run.var) as address, browser() as chromium:
        page = chromium.page
        page.goto(f"{address}/")
        chromium.ready()
        page.fill("#naam", "Anna")
        choose(page, "1005")
        team = page.locator("#suggesties tbody button").first.inner_text()
        apply_first_suggestion(page)
        to_tab(page, "besluit")
        page.fill("#dien-reden", "pand aan de grens")
        page.click("#dien-in button[type=submit]")
        expect(page.locator("#dien-stand")).to_have_attribute("data-state", re.compile("done|refused"), timeout=240_000)
        told = page.inner_text("#dien-stand")
        assert "is ingediend" in told, told
        version = int(re.findall(r"Versie (\d+)", told)[0])
        made = reads.versions(run.store).set_index("version").loc[version]
        assert (made["status"], made["created_by"], made["reason"]) == ("proposed", "Anna", "pand aan de grens")
        versions.publish(version, run.store, run.files_dir, approval={"by": "Bert", "decision": "approved"})
        page.goto(f"{address}/opzoeken")
        page.keyboard.type("1005 ab")
        page.keyboard.press("Enter")
        expect(page.locator("#antwoord")).to_contain_text(team, timeout=20_000)
        page.set_viewport_size({"width": 320, "height": 800})
        assert page.evaluate(SIDEWAYS) == 0
        page.keyboard.type("1099")  # a PO box: no polygon
        page.keyboard.press("Enter")
        expect(page.locator("#antwoord tbody")).to_contain_text("volgt postcode 1012: geen eigen vlak", timeout=20_000)
        assert page.evaluate(SIDEWAYS) == 0
        assert chromium.serious_issues() == []
        chromium.shot("opzoeken-postbus")
        assert chromium.outside == []
        check_endpoint(address, team, version)


def check_endpoint(address: str, team: str, version: int) -> None:
    """The look-up for programs gives the same answer, describes itself, and refuses in a sentence."""
    found = httpx.get(f"{address}/api/v1/lookup", params={"postcode": "NL-1005AB", "law": "WIA"}).json()
    assert {one["team_id"] for one in found["answers"]} == {team}
    assert found["answers"][0]["version"] == version
    assert {one["since"] for one in found["answers"]} == {store.today().isoformat()}
    post_box = httpx.get(f"{address}/api/v1/lookup", params={"postcode": "1099"}).json()["answers"]
    assert {(one["postcode"], one["follows"]) for one in post_box} == {("1099", "1012")}
    schema = httpx.get(f"{address}/api/openapi.json").json()
    assert {"/health", "/api/v1/lookup", "/api/v1/file", "/api/v1/lookup/batch"} <= set(schema["paths"])
    refused = httpx.get(f"{address}/api/v1/lookup", params={"postcode": "0000"})
    assert refused.status_code == 422
    assert "0000" in json.loads(refused.text)["detail"]
