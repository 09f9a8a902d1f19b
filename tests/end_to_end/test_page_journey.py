"""A planner's day on the whole country, in a real Chromium: from the proposal to the answer that K&S gives.

The division is a real one, so that what is handed in passes the gate; version 1 is in force.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from allocation.contract.config import Config
from allocation.pipeline import run_all
from allocation.publication import reads, store, versions
from allocation.runs.run import Run
from tests.support.browser import Browser, after, browser, open_page, served, strip, to_tab

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1500)]

REGION = "Midden-Utrecht"
AHEAD_DAYS = 30


@pytest.fixture(scope="module")
def divided(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The country divided as a planner gets it, published."""
    var = tmp_path_factory.mktemp("journey")
    run = Run.start(
        input_dir=None, boundaries="embedded", store=f"sqlite:///{var / 'store.sqlite'}",
        config=Config(), var=var, created_by="planner",
    )  # fmt: skip
    run_all.run_all(run, until="publication", progress=lambda _: None)
    return run


@pytest.fixture(scope="module")
def address(divided: Run) -> Iterator[str]:
    with served(divided.store, divided.var) as url:
        yield url


def lasso(page: Page, code: str, steps: int) -> list[str]:
    """Draw a line around the middle of the map, which shows ``code``; returns the postcodes that it holds."""
    page.fill("#zoek", code)
    page.locator("#zoek").press("Enter")
    page.locator("#kaart").scroll_into_view_if_needed()
    box = page.locator("#kaart").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.click("#lasso")
    page.mouse.move(x - steps, y - steps)
    page.mouse.down()
    for dx, dy in ((steps, -steps), (steps, steps), (-steps, steps), (-steps, -steps)):
        page.mouse.move(x + dx, y + dy, steps=5)
    page.mouse.up()
    page.click("#lasso")
    return page.input_value("#codes").split()


# A postcode of the region that a neighbouring team can take without breaking anything, as the server says.
TAKEABLE = """async () => {
  const { value, map, run, history } = caseload, { sides, areas, region_nrs } = value;
  const plan = map.plans[0], tried = new Set();
  const ask = async (postcodes) => (await fetch("api/suggestions", { method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ run, layer: "vangnet", region: 14, changes: history.changes, postcodes }) })).json();
  for (let i = 0; i < sides.length; i += 2) for (const [a, b] of [[sides[i], sides[i + 1]], [sides[i + 1], sides[i]]]) {
    if (a < 0 || b < 0 || tried.has(a) || areas.region[a] !== areas.region[b]) continue;
    if (region_nrs[areas.region[a]] !== 14) continue;
    if (plan[a] === plan[b] || map.marked.has(a) || value.layers[0].hours[a] < 20) continue;
    tried.add(a);
    const rows = await ask([areas.pc4[a]]);
    const good = rows.find((row) => row.is_contiguous && row.is_within);
    if (good) return [areas.pc4[a], good.team_id];
  }
  return null;
}"""


TEAM_OF = "code => caseload.value.teams[caseload.map.plans[0][caseload.pc4At.get(code)]].id"


STOPS, STARTS = "SMC-UTR-03", "SMC-UTR-99"
HELD = """id => caseload.all.filter((a) => caseload.value.teams[caseload.map.plans[0][a]]?.id === id)
  .map((a) => caseload.value.areas.pc4[a])"""


def test_a_team_stops_on_a_day_and_another_takes_over(divided: Run, tmp_path: Path) -> None:
    """From the change of teams to the answer of K&S before and after the day: every step that a planner and an approver
    take, on the page alone."""
    shutil.copytree(divided.var, tmp_path / "var")
    url, first = f"sqlite:///{tmp_path / 'var' / 'store.sqlite'}", store.today() + timedelta(days=AHEAD_DAYS)
    with served(url, tmp_path / "var") as address, browser(width=1280, height=720) as chromium:
        page = chromium.page
        open_page(chromium, address, "Anna", REGION)
        chromium.shot("pagina-eerste-keer")
        code = page.evaluate(HELD, STOPS)[0]
        take_an_alternative_and_back(chromium)
        replace_team(chromium)
        compare_two_and_remark(chromium)
        take_file_there_and_back(page, tmp_path)
        to_tab(page, "vragen")
        expect(page.locator("[data-vraag=overbelast] tbody tr").first).to_be_visible(timeout=60_000)
        chromium.shot("pagina-vragen")
        page.click("#grafieken")
        expect(page.locator("#tekeningen svg").first).to_be_visible(timeout=60_000)
        chromium.shot("pagina-grafieken")
        page.click("#grafieken")
        to_tab(page, "besluit")
        page.fill("#dien-datum", first.isoformat())
        version = hand_in(chromium)
        taker = approve(chromium, code)
        assert team_of(address, code) == STOPS
        assert team_of(address, code, on=str(first)) == taker
        assert (chromium.outside, chromium.errors) == ([], [])
        page.click(".titelbalk nav a:has-text('Rapport')")
        chromium.ready()
        assert "SMC-UTR-99" in page.locator("main").inner_text()
        assert len(re.findall(rb"/Type\s*/Page\b(?!s)", page.pdf(prefer_css_page_size=True))) <= 12
    row = reads.versions(url).set_index("version").loc[version]
    assert (row["status"], row["valid_from"], row["approval"]["by"]) == ("published", first, "Anna")


def take_an_alternative_and_back(chromium: Browser) -> None:
    """What the region could be otherwise, in a chart and a table; the last of them is taken over, and undone."""
    page = chromium.page
    before = strip(page, "Na uw wijzigingen")
    to_tab(page, "concepten")
    page.click("#zoek-alternatieven")
    expect(page.locator("#alternatief-stand")).to_have_attribute(
        "data-state", re.compile("done|refused"), timeout=300_000
    )
    expect(page.locator("#alternatieven svg").first).to_be_visible(timeout=30_000)
    expect(page.locator("#alternatieven")).to_contain_text(f"Alternatieven van {REGION}")
    take = page.locator("#alternatieven tbody button").last
    take.scroll_into_view_if_needed()
    chromium.shot("pagina-alternatieven")
    assert chromium.serious_issues() == []
    after(page, lambda _: take.click())
    assert strip(page, "Na uw wijzigingen") != before
    to_tab(page, "wijzigen")
    after(page, lambda p: p.click("#terug"))
    assert strip(page, "Na uw wijzigingen") == before


def replace_team(chromium: Browser) -> None:
    """One team stops, another starts at the same office with as many physicians; the region is divided anew."""
    page = chromium.page
    to_tab(page, "teams")
    page.select_option("#fte-team", STOPS)
    fte = page.input_value("#fte-waarde")
    after(page, lambda p: p.click("#sluit-team"))
    page.click("#nieuw summary")
    page.fill("#nieuw-code", STARTS)
    page.fill("#nieuw-naam", "SMC Utrecht nieuw")
    page.select_option("#nieuw-kantoor", label="Utrecht")
    page.select_option("#nieuw-regio", label=REGION)
    page.fill("#nieuw-fte", fte)
    after(page, lambda p: p.click("#nieuw-team button[type=submit]"))
    chromium.shot("pagina-teams")
    to_tab(page, "wijzigen")
    after(page, lambda p: p.click("#herbereken"))
    expect(page.locator("#status")).to_contain_text("opnieuw verdeeld in", timeout=60_000)
    assert page.evaluate(HELD, STOPS) == []
    assert page.evaluate(HELD, STARTS)


def compare_two_and_remark(chromium: Browser) -> None:
    page = chromium.page
    to_tab(page, "concepten")
    expect(page.locator("#concept-nu")).to_contain_text("Bewaard als", timeout=30_000)
    page.fill("#opmerking", "Kantoor is akkoord met de nieuwe indeling.")
    page.click("#opmerk button")
    expect(page.locator("#opmerkinglijst")).to_contain_text("akkoord", timeout=30_000)
    page.click("#vergelijk-vraag button[type=submit]")
    expect(page.locator("#vergelijk-uitkomst")).to_contain_text("postcodes verschillen", timeout=60_000)
    chromium.until("caseload.nowMap.scale === caseload.map.scale")
    chromium.shot("pagina-vergelijk-twee")
    page.click("#vergelijk-stop")


def take_file_there_and_back(page: Page, folder: Path) -> None:
    """The division as a file, and the file as the division: nothing differs."""
    before = page.evaluate(HELD, STARTS)
    with page.expect_download() as kept:
        page.click("#schrijf-csv")
    kept.value.save_as(folder / "verdeling.csv")
    page.set_input_files("#inlees-bestand", folder / "verdeling.csv")
    after(page, lambda p: p.click("#inlees button[type=submit]"))
    expect(page.locator("#inlees-stand")).to_contain_text("verschillen met het voorstel", timeout=60_000)
    assert page.evaluate(HELD, STARTS) == before


def approve(chromium: Browser, code: str) -> str:
    """Open the version that was handed in, read what it does and approve it; returns the new team of a postcode."""
    page = chromium.page
    page.click("#dien-stand a")
    expect(page.locator("#goedkeuring")).to_be_attached(timeout=60_000)
    chromium.ready()
    to_tab(page, "besluit")
    expect(page.locator("#gevolgen")).to_contain_text(REGION, timeout=60_000)
    chromium.shot("pagina-goedkeuren")
    taker = str(page.evaluate(TEAM_OF, code))
    page.click("#keur-goed")
    page.get_by_role("button", name="Ja, goedkeuren").click()
    expect(page.locator("#beslis-stand")).to_contain_text("is goedgekeurd en geldt vanaf", timeout=120_000)
    return taker


def test_from_the_proposal_to_the_answer_of_k_and_s(divided: Run, address: str) -> None:
    with browser(width=1366, height=900) as chromium:
        page = chromium.page
        open_page(chromium, address, "Anna", REGION)
        chromium.shot("pagina-regio")
        code, team = look_around_and_choose(page)
        chromium.shot("pagina-suggesties")
        before = strip(page, "Na uw wijzigingen")
        apply_and_undo(page, team, before)
        chromium.shot("pagina-toegepast")
        part, taker = lock_and_recompute(page, code, team)
        compare(chromium)
        version = hand_in(chromium)
        assert (chromium.outside, chromium.errors) == ([], [])
    made = reads.versions(divided.store).set_index("version").loc[version]
    assert (made["status"], made["created_by"], made["reason"]) == ("proposed", "Anna", "pand aan de grens")
    was = team_of(address, code)
    assert was != team
    start = store.today() + timedelta(days=AHEAD_DAYS)
    versions.publish(
        version, divided.store, divided.files_dir, valid_from=start, approval={"by": "Bert", "decision": "approved"}
    )
    look_up_by_keyboard(address, code, was, team)
    assert team_of(address, code, on=str(start)) == team
    assert team_of(address, part, on=str(start)) == taker
    assert team_of(address, code) == was


def test_the_report_of_a_real_division_opens_with_its_figures_and_its_verdict(divided: Run) -> None:
    with browser(width=1366, height=900) as chromium:
        chromium.page.goto((divided.folder / "report.html").as_uri())
        chromium.ready()
        assert chromium.page.locator(".strook > div").count() > 10
        expect(chromium.page.locator(".goed, .waarschuwing").first).to_be_visible()
        chromium.shot("rapport-boven")
        assert (chromium.outside, chromium.errors) == ([], [])


def look_around_and_choose(page: Page) -> tuple[str, str]:
    """Zoom in and out, lasso some postcodes, and choose one that another team can take."""
    scale = page.evaluate("caseload.map.scale")
    page.click("#groter")
    assert page.evaluate("caseload.map.scale") == pytest.approx(1.5 * scale)
    page.click("#kleiner")
    held = lasso(page, "3511", 60)
    assert len(held) > 1
    assert page.evaluate("codes => codes.every((one) => caseload.pc4At.has(one))", held)
    code, team = page.evaluate(TAKEABLE)
    page.fill("#codes", code)
    page.locator("#codes").press("Enter")
    expect(page.locator("#suggesties tbody button", has_text=team)).to_be_visible(timeout=30_000)
    return str(code), str(team)


def apply_and_undo(page: Page, team: str, before: list[str]) -> None:
    after(page, lambda p: p.locator("#suggesties tbody button", has_text=team).click())
    after(page, lambda p: p.click("#toepassen"))
    applied = strip(page, "Na uw wijzigingen")
    assert applied != before
    after(page, lambda p: p.click("#terug"))
    assert strip(page, "Na uw wijzigingen") == before
    after(page, lambda p: p.click("#opnieuw"))
    assert strip(page, "Na uw wijzigingen") == applied


def lock_and_recompute(page: Page, code: str, team: str) -> tuple[str, str]:
    """Pin the postcode, give a range of full postcodes of another one away, and divide the region anew around them.

    Returns a full postcode of that range and the team that gets it.
    """
    to_tab(page, "vergrendelen")
    page.select_option("#slot-team", team)
    page.fill("#slot-reden", "pand aan de grens")
    after(page, lambda p: p.click("#slot button[type=submit]"))
    expect(page.locator("#sloten")).to_contain_text(f"{code} vast op {team}: pand aan de grens – Anna")
    other, taker = page.evaluate(TAKEABLE)
    expect(page.locator("#slot-reeks")).not_to_be_visible()
    page.select_option("#slot-soort", "pc6")
    expect(page.locator("#slot-tweede")).not_to_be_visible()
    page.select_option("#slot-team", taker)
    page.fill("#slot-reeks", f"{other} aa - {other} cz")
    page.fill("#slot-reden", "staf woont daar")
    after(page, lambda p: p.click("#slot button[type=submit]"))
    expect(page.locator("#sloten")).to_contain_text(f"{other}AA-{other}CZ deel naar {taker}: staf woont daar")
    assert page.evaluate("code => caseload.map.marked.get(caseload.pc4At.get(code))", other) == "split"
    to_tab(page, "wijzigen")
    after(page, lambda p: p.click("#herbereken"))
    expect(page.locator("#status")).to_contain_text("opnieuw verdeeld in", timeout=60_000)
    assert page.evaluate(TEAM_OF, code) == team
    return f"{other}AB", str(taker)


def compare(chromium: Browser) -> None:
    page = chromium.page
    page.click("#vergelijk")
    page.click("#tabellen")
    expect(page.locator("#betrokken tbody tr").first).to_be_visible()
    page.click("#tabellen")
    chromium.until("caseload.nowMap.scale === caseload.map.scale")  # follows after painting
    chromium.shot("pagina-vergelijk")
    page.click("#vergelijk")


def hand_in(chromium: Browser) -> int:
    page = chromium.page
    to_tab(page, "besluit")
    page.fill("#dien-reden", "pand aan de grens")
    page.click("#dien-in button[type=submit]")
    expect(page.locator("#dien-stand")).to_have_attribute("data-state", re.compile("done|refused"), timeout=600_000)
    told = page.inner_text("#dien-stand")
    assert "is ingediend" in told, told
    page.locator("#dien-stand").scroll_into_view_if_needed()
    chromium.shot("pagina-ingediend")
    return int(re.findall(r"Versie (\d+)", told)[0])


def team_of(address: str, code: str, **query: str) -> str:
    """The team that the endpoint gives for a WIA client of the vangnetlijn."""
    asked = {"postcode": code, "law": "WIA", "line": "vangnet"} | query
    answers = httpx.get(f"{address}/api/v1/lookup", params=asked, timeout=30).json()["answers"]
    return str(max(answers, key=lambda one: one["share"])["team_id"])


def look_up_by_keyboard(address: str, code: str, was: str, becomes: str) -> None:
    """Open the look-up and type: who serves this postcode, and from which day another team does."""
    with browser(width=1366, height=768) as chromium:
        page = chromium.page
        page.goto(f"{address}/opzoeken")
        page.keyboard.type(f"{code} zz", delay=120)
        page.keyboard.press("Enter")
        expect(page.locator("#antwoord table").first).to_contain_text(was, timeout=20_000)
        expect(page.locator("#antwoord table").last).to_contain_text(becomes)
        expect(page.locator("#antwoord caption").last).to_contain_text("Vanaf")
        chromium.shot("opzoeken")
        assert chromium.serious_issues() == []
        page.keyboard.type("0999", delay=20)
        page.keyboard.press("Enter")
        expect(page.locator("#fout")).to_contain_text('"0999" is geen postcode', timeout=20_000)
        page.keyboard.type("1000", delay=20)  # the PO boxes of Amsterdam
        page.keyboard.press("Enter")
        expect(page.locator("#antwoord")).to_contain_text("volgt postcode 1011: geen eigen vlak", timeout=20_000)
        assert chromium.outside == []


SCREENS = {
    "1280x720": (1280, 720, "light", REGION),
    "1920x1080": (1920, 1080, "light", REGION),
    "tablet": (820, 1180, "light", REGION),
    "320": (320, 720, "light", REGION),
    "donker": (1280, 720, "dark", REGION),
    "amsterdam": (1280, 720, "light", "Groot Amsterdam"),
    "rotterdam": (1280, 720, "light", "Rijnmond"),
}
ZOOMED = {"amsterdam": "1012", "rotterdam": "3011"}


@pytest.mark.parametrize("name", SCREENS)
def test_the_page_on_every_screen(address: str, name: str) -> None:
    """The pictures of the manual: the figures are there, and the page does not scroll sideways."""
    width, height, scheme, region = SCREENS[name]
    with browser(width=width, height=height) as chromium:
        page = chromium.page
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        open_page(chromium, address, "Anna", region)
        if code := ZOOMED.get(name):
            page.fill("#zoek", code)
            page.locator("#zoek").press("Enter")
        expect(page.locator("#kern div").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.wait_for_timeout(600)
        chromium.shot(f"scherm-{name}")
        assert (chromium.outside, chromium.errors) == ([], [])
