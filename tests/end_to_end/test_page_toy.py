"""The planners' page on the toy country, in a real Chromium: what needs no real map, so that it takes seconds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from allocation.page import proposing
from allocation.page.changes import ChangeSet, Move
from allocation.publication import reads, versions
from allocation.runs.run import Run
from tests.support.browser import Browser, after, browser, proposed_toy, served, to_tab

pytestmark = pytest.mark.timeout(120)


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


@pytest.mark.heavy
def test_the_version_that_is_shown_can_be_chosen_again_and_nothing_typed_is_lost(planner: Browser) -> None:
    page = planner.page
    page.evaluate("window.isSamePage = true")
    page.select_option("#versie", page.input_value("#versie"))
    choose(page, "1005")
    assert page.evaluate("window.isSamePage")


@pytest.mark.heavy
def test_nothing_can_be_typed_into_a_page_that_would_lose_it(planner: Browser, address: str) -> None:
    """Not before it is ready, and not when another version is on its way: a form sent too early reloads the page."""
    page, held = planner.page, list[Route]()
    page.route("**/api/map?*", lambda route: held.append(route))
    page.goto(f"{address}/")
    expect(page.locator("#status")).to_contain_text("geladen")
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


@pytest.mark.heavy
def test_the_borders_of_a_kind_of_partner_are_a_layer_with_their_price(planner: Browser) -> None:
    page, picture = planner.page, "document.getElementById('kaart').toDataURL()"

    def drawn() -> str:
        """The map as it is painted; a change is painted in the next frame."""
        planner.until("!caseload.map.waiting")
        return str(page.evaluate(picture))

    without = drawn()
    page.select_option("#partners", "gemeente")
    expect(page.locator("#legenda")).to_contain_text("grens van gemeente: een extra team kost 0,5")
    assert page.evaluate("caseload.map.partner") == [0, 1, 2, 3] * 3
    assert drawn() != without
    page.select_option("#partners", "")
    expect(page.locator("#legenda")).not_to_contain_text("grens van gemeente")
    assert drawn() == without


def apply_first(page: Page, code: str) -> str:
    """Give a postcode to the first team that is suggested; returns it."""
    to_tab(page, "wijzigen")
    choose(page, code)
    team = page.locator("#suggesties tbody button").first.inner_text()
    after(page, lambda p: p.locator("#suggesties tbody button").first.click())
    after(page, lambda p: p.click("#toepassen"))
    return team


@pytest.mark.heavy
def test_questions_are_answered_for_what_is_on_the_screen_and_lead_to_the_map(planner: Browser) -> None:
    page = planner.page
    to_tab(page, "vragen")
    heaviest = page.locator("[data-vraag=overbelast] tbody tr")
    expect(heaviest.first).to_be_visible(timeout=20_000)
    before = heaviest.all_inner_texts()
    team = apply_first(page, "1005")
    to_tab(page, "vragen")
    expect(heaviest.filter(has_text=team)).to_contain_text("17,", timeout=20_000)
    assert heaviest.all_inner_texts() != before
    page.click("[data-vraag=fte] summary")
    page.locator("[data-vraag=fte]").get_by_role("button", name="Oost", exact=True).click()
    expect(page.locator("#bereik")).to_contain_text("Oost", timeout=20_000)
    assert planner.serious_issues() == []


@pytest.mark.heavy
def test_two_divisions_are_compared_and_the_link_brings_the_comparison_back(planner: Browser) -> None:
    page = planner.page
    apply_first(page, "1005")
    to_tab(page, "concepten")
    expect(page.locator("#concept-nu")).to_contain_text("Bewaard als", timeout=20_000)
    page.click("#vergelijk-vraag button[type=submit]")
    expect(page.locator("#vergelijk-uitkomst")).to_contain_text("1 postcode verschilt", timeout=20_000)
    expect(page.locator("#bijschrift-nu")).to_contain_text("A: versie 1")
    differs = "caseload.all.filter((a) => caseload.map.hasChanged(a)).map((a) => caseload.value.areas.pc4[a])"
    assert page.evaluate(differs) == ["1005"]
    page.click("#vergelijk-tabellen")
    expect(page.locator("#vergelijk-verschil tbody tr")).to_have_count(1)
    assert planner.serious_issues() == []
    page.goto("about:blank")
    page.go_back()
    planner.ready()
    expect(page.locator("#vergelijk-uitkomst")).to_contain_text("1 postcode verschilt", timeout=20_000)
    to_tab(page, "concepten")
    page.click("#vergelijk-stop")
    expect(page.locator("#bijschrift-nu")).to_have_text("Nu")


@pytest.mark.heavy
def test_a_division_from_a_file_is_a_step_like_any_other_and_is_written_the_same(
    planner: Browser, tmp_path: Path
) -> None:
    page = planner.page
    to_tab(page, "concepten")
    with page.expect_download() as kept:
        page.click("#schrijf-csv")
    text = kept.value.path().read_text("utf-8")
    assert text.splitlines()[0].replace('"', "") == "pc4,team,team_werkgever,team_pw"
    (tmp_path / "elders.csv").write_text("pc4,team\n1002,W2\n1001,W1\n", encoding="utf-8")
    page.set_input_files("#inlees-bestand", tmp_path / "elders.csv")
    after(page, lambda p: p.click("#inlees button[type=submit]"))
    expect(page.locator("#inlees-stand")).to_contain_text("1 verschillen met het voorstel. 2 postcodes staan in")
    to_tab(page, "wijzigen")
    expect(page.locator("#stand")).to_have_text("1 verplaatsing.")
    (tmp_path / "fout.csv").write_text("pc4,team\n1002,O1\n", encoding="utf-8")
    to_tab(page, "concepten")
    page.set_input_files("#inlees-bestand", tmp_path / "fout.csv")
    page.click("#inlees button[type=submit]")
    expect(page.locator("#fout")).to_contain_text("Rij 2: Postcode 1002 kan niet naar team O1", timeout=20_000)
    assert all("422" in one for one in planner.errors)
    planner.errors.clear()


@pytest.mark.heavy
def test_every_step_has_a_name_and_one_click_goes_back_to_it(planner: Browser) -> None:
    page = planner.page
    apply_first(page, "1005")
    apply_first(page, "1008")
    steps_shown = page.locator("#geschiedenis li")
    expect(steps_shown).to_have_count(3)
    assert steps_shown.nth(2).inner_text() == "Begin"
    after(page, lambda p: steps_shown.nth(2).get_by_role("button").click())
    expect(page.locator("#stand")).to_have_text("Nog geen wijzigingen.")
    after(page, lambda p: steps_shown.nth(0).get_by_role("button").click())
    expect(page.locator("#stand")).to_have_text("2 verplaatsingen.")


@pytest.mark.heavy
def test_who_may_reads_what_a_proposal_does_and_approves_it_on_the_page(tmp_path: Path) -> None:
    run = proposed_toy(tmp_path / "var")
    with served(run.store, run.var) as url, browser(width=1280, height=720) as chromium:
        page = chromium.page
        page.goto(url)
        chromium.ready()
        page.fill("#naam", "Bert")
        to_tab(page, "besluit")
        expect(page.locator("#gevolgen")).to_contain_text("Ingangsdatum", timeout=20_000)
        page.fill("#beslis-opmerking", "akkoord")
        page.click("#keur-goed")
        expect(page.locator("#beslis-zeker")).to_contain_text("Versie 1 gaat gelden vanaf")
        assert chromium.serious_issues() == []
        page.locator("#beslis-zeker button", has_text="Ja, goedkeuren").click()
        expect(page.locator("#beslis-stand")).to_contain_text("Versie 1 is goedgekeurd en geldt vanaf", timeout=60_000)
        page.click("#beslis-stand a")
        expect(page.locator(".titelbalk .merk").first).to_have_text("geldt nu", timeout=20_000)
        expect(page.locator("#goedkeuring")).to_have_count(0)
        assert chromium.errors == []
    made = reads.versions(run.store).iloc[0]
    assert (made["status"], made["approval"]["by"], made["approval"]["remark"]) == ("published", "Bert", "akkoord")


# --- faults that a planner met; each must stay away ------------------------------------------------------------------


@pytest.mark.heavy
def test_the_fte_that_is_shown_is_that_of_the_team_that_gets_it(planner: Browser) -> None:
    page = planner.page
    to_tab(page, "teams")
    page.select_option("#fte-team", "W1")
    page.fill("#fte-waarde", "1,7")
    after(page, lambda p: p.click("#fte button[type=submit]"))
    page.select_option("#fte-team", "W2")
    assert page.input_value("#fte-waarde") == "1"
    page.select_option("#fte-team", "W1")
    assert page.input_value("#fte-waarde") == "1,7"
    page.evaluate("document.getElementById('fte-team').value = 'O1'")  # chosen elsewhere, without an event
    page.click("#fte button[type=submit]")
    assert page.input_value("#fte-waarde") == "1"
    assert page.evaluate("caseload.history.changes.teams.map((one) => one.team_id)") == ["W1"]


@pytest.mark.heavy
def test_a_comma_is_typed_as_the_decimal_sign_in_a_browser_of_any_language(planner: Browser) -> None:
    """This Chromium speaks English, whatever its page does: a field for a number would drop the comma."""
    page = planner.page
    to_tab(page, "teams")
    page.select_option("#fte-team", "W1")
    page.fill("#fte-waarde", "")
    page.locator("#fte-waarde").press_sequentially("1,5")
    after(page, lambda p: p.click("#fte button[type=submit]"))
    assert page.evaluate("caseload.history.changes.teams.map((one) => one.fte)") == [1.5]
    page.fill("#fte-waarde", "anderhalf")
    page.click("#fte button[type=submit]")
    expect(page.locator("#fout")).to_contain_text("is geen aantal fte")
    page.click("#nieuw summary")
    page.fill("#nieuw-code", "W9")
    page.fill("#nieuw-naam", "Negen")
    page.fill("#nieuw-fte", "")
    page.locator("#nieuw-fte").press_sequentially("2,5")
    after(page, lambda p: p.click("#nieuw-team button[type=submit]"))
    assert page.evaluate("caseload.history.changes.new_teams.map((one) => one.fte)") == [2.5]


@pytest.mark.heavy
def test_a_lock_begins_with_the_team_of_the_postcode(planner: Browser) -> None:
    page = planner.page
    choose(page, "1012")
    to_tab(page, "vergrendelen")
    assert page.input_value("#slot-team") == "O2"
    assert page.locator("#slot-team option").first.get_attribute("value") != "O2"


@pytest.mark.heavy
def test_search_finds_a_gemeente_and_chooses_all_of_it(planner: Browser) -> None:
    page = planner.page
    page.fill("#zoek", "gemeente 3")
    page.locator("#zoek").press("Enter")
    expect(page.locator("#codes")).to_have_value("1003 1007 1011")
    expect(page.locator("#keuze")).to_contain_text("3 postcodes gekozen")


@pytest.mark.heavy
def test_a_reload_keeps_region_draft_and_what_can_be_undone(planner: Browser) -> None:
    page = planner.page
    after(page, lambda p: p.select_option("#regio", label="West"))
    apply_first(page, "1005")
    expect(page.locator("#concept-nu")).to_contain_text("Bewaard als", timeout=20_000)
    name = page.text_content("#concept-nu")
    page.reload()
    planner.ready()
    assert page.locator("#regio option:checked").inner_text() == "West"
    assert page.text_content("#concept-nu") == name
    expect(page.locator("#stand")).to_have_text("1 verplaatsing.")
    after(page, lambda p: p.click("#terug"))
    expect(page.locator("#stand")).to_have_text("Nog geen wijzigingen.")


@pytest.mark.heavy
def test_without_a_network_nothing_is_lost_and_a_sentence_says_so(planner: Browser) -> None:
    page = planner.page
    to_tab(page, "teams")
    page.select_option("#fte-team", "W1")
    page.route("**/api/figures", lambda route: route.abort())
    page.click("#sluit-team")
    expect(page.locator("#fout")).to_contain_text("Geen verbinding met de server", timeout=20_000)
    assert page.evaluate("caseload.history.past.length") == 0
    page.unroute("**/api/figures")
    after(page, lambda p: p.click("#sluit-team"))
    expect(page.locator("#teamlijst")).to_contain_text("W1: stopt")
    planner.errors.clear()


@pytest.mark.heavy
def test_old_figures_never_stand_under_a_new_region_and_a_second_order_waits(planner: Browser) -> None:
    page, held = planner.page, list[Route]()
    page.route("**/api/figures", lambda route: held.append(route))
    page.select_option("#regio", label="Oost")
    expect(page.locator("#cijferstrook")).to_have_class(re.compile("oud"))
    expect(page.locator("#status")).to_contain_text("Andere regio")
    held[0].continue_()
    page.unroute("**/api/figures")
    expect(page.locator("#cijferstrook")).not_to_have_class(re.compile("oud"), timeout=20_000)
    expect(page.locator("#bereik")).to_contain_text("Oost")
    held.clear()
    page.route("**/api/figures", lambda route: held.append(route))
    to_tab(page, "teams")
    for _ in range(3):
        page.click("#sluit-team")
    expect(page.locator("#status")).to_have_text("Even geduld: de vorige handeling loopt nog.")
    held[0].continue_()
    page.unroute("**/api/figures")
    expect(page.locator("#teamlijst li")).to_have_count(1, timeout=20_000)
    assert len(held) == 1


@pytest.mark.heavy
def test_undo_by_keyboard_works_from_every_control_but_a_text(planner: Browser) -> None:
    page = planner.page
    apply_first(page, "1005")
    page.focus("#houd")
    after(page, lambda p: p.keyboard.press("Control+z"))
    expect(page.locator("#stand")).to_have_text("Nog geen wijzigingen.")
    page.focus("#concept-naam")
    page.focus("#codes")
    page.keyboard.press("Control+y")
    expect(page.locator("#stand")).to_have_text("Nog geen wijzigingen.")
    page.focus("#kleur")
    after(page, lambda p: p.keyboard.press("Control+y"))
    expect(page.locator("#stand")).to_have_text("1 verplaatsing.")


@pytest.mark.heavy
def test_a_brush_chooses_what_it_passes(planner: Browser) -> None:
    page = planner.page
    page.click("#penseel")
    at = "code => { const a = caseload.pc4At.get(code), { x, y } = caseload.value.areas, m = caseload.map; "
    at += "const [px, py] = m.toScreen(x[a], -y[a]), box = m.canvas.getBoundingClientRect(); "
    at += "return [px + box.left, py + box.top]; }"
    page.mouse.move(*page.evaluate(at, "1009"))
    page.mouse.down()
    page.mouse.move(*page.evaluate(at, "1012"), steps=2)
    page.mouse.up()
    expect(page.locator("#codes")).to_have_value("1009 1010 1011 1012")


@pytest.mark.heavy
def test_a_colleague_remarks_on_a_draft_and_it_is_read(planner: Browser) -> None:
    page = planner.page
    apply_first(page, "1005")
    to_tab(page, "concepten")
    expect(page.locator("#concept-nu")).to_contain_text("Bewaard als", timeout=20_000)
    page.fill("#opmerking", "Kan 1006 ook mee?")
    page.click("#opmerk button")
    expect(page.locator("#opmerkinglijst")).to_contain_text("Kan 1006 ook mee? – Anna", timeout=20_000)
    apply_first(page, "1008")
    to_tab(page, "concepten")
    expect(page.locator("#conceptlijst li").first).to_contain_text("1 opmerking", timeout=20_000)
    expect(page.locator("#opmerkinglijst li")).to_have_count(1)


@pytest.mark.heavy
def test_an_open_page_says_that_another_version_is_in_force_and_takes_the_draft_there(tmp_path: Path) -> None:
    """Anna looks at version 1 while a colleague's move of 1005 comes into force. Her move of 1008 is not handed in
    beside figures of before; opened on version 2 it is the only change, and a reload keeps it."""
    run = proposed_toy(tmp_path / "var")
    versions.publish(1, run.store, run.files_dir, approval={"by": "Carla", "decision": "approved"})
    with served(run.store, run.var) as url, browser(width=1280, height=720) as chromium:
        page = chromium.page
        page.goto(f"{url}/")
        chromium.ready()
        page.fill("#naam", "Anna")
        moves = ChangeSet(moves=(Move(layer="vangnet", pc4="1005", team_id="W2"),))
        second = proposing.submit_in(run.var, run.store, run.run_id, moves, "Bert", "collega", None)
        versions.publish(second, run.store, run.files_dir, approval={"by": "Carla", "decision": "approved"})
        choose(page, "1008")
        after(page, lambda it: it.locator("#suggesties tbody button").first.click())
        after(page, lambda it: it.click("#toepassen"))
        expect(page.locator("#bewaard")).to_contain_text("Bewaard om")
        to_tab(page, "besluit")
        page.fill("#dien-reden", "plan")
        page.click("#dien-in button")
        expect(page.locator("#dien-stand")).to_contain_text("Er geldt nu een andere versie (2)", timeout=60_000)
        expect(page.locator("#ingehaald")).to_contain_text("Nu geldt versie 2")
        page.reload()
        chromium.ready()
        assert page.evaluate("caseload.run") == run.run_id, "a reload keeps what was on the screen"
        assert page.evaluate("caseload.history.changes.moves.map((one) => one.pc4)") == ["1008"]
        page.click("#ingehaald a")
        page.wait_for_url(re.compile(r"\?run=.*-concept"))
        chromium.ready()
        assert page.evaluate("caseload.history.changes.moves.map((one) => one.pc4)") == ["1008"]
        to_tab(page, "besluit")
        expect(page.locator("#besluit")).to_contain_text("Postcodes die wisselen: 1, zonder wijziging 0")
        expect(page.locator("#ingehaald")).to_be_hidden()
        page.fill("#dien-reden", "plan")
        page.click("#dien-in button")
        expect(page.locator("#dien-stand")).to_contain_text("Versie 3 is ingediend", timeout=60_000)
        assert chromium.errors == []
    changed = reads.read_table("allocation_changes", run.store, version=3)
    assert set(changed["pc4"]) == {"1008"}
