"""The figures of the page in docs/measured.md: ready, what-if, five planners at once, and a draft that is handed in.

``python -m tests.benchmarks.page RUN_VAR`` (a folder ``var`` with a store and the run of its newest version) serves the
page, opens it in Chromium and prints a Markdown table. Median of the repeats; nothing else should run on the machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from playwright.sync_api import expect

from tests.support.browser import browser, served

REPEATS = 7
PLANNERS = 5


def ready_s(address: str) -> float:
    """From a new browser to a page that says it is ready."""
    with browser() as chromium:
        began = time.perf_counter()
        chromium.page.goto(f"{address}/")
        chromium.ready()
        return time.perf_counter() - began


def click_ms(address: str, region: str, postcode: str) -> list[float]:
    """From the click on a suggested team until its figures stand on the page."""
    spent = []
    with browser() as chromium:
        page = chromium.page
        page.goto(f"{address}/")
        chromium.ready()
        page.select_option("#regio", label=region)
        page.fill("#codes", postcode)
        page.locator("#codes").press("Enter")
        expect(page.locator("#suggesties")).to_be_visible(timeout=30_000)
        for _ in range(REPEATS):
            page.wait_for_timeout(1500)
            serial = page.get_attribute("html", "data-serial") or ""
            page.locator("#suggesties tbody button").first.click()
            expect(page.locator("html")).not_to_have_attribute("data-serial", serial)
            spent.append(float(page.get_attribute("html", "data-took") or 0))
    return spent


def together_ms(address: str, run: str, postcodes: list[str], team: str) -> list[float]:
    """The answers to five planners who each make changes at the same time."""

    def one(number: int) -> list[float]:
        spent = []
        with httpx.Client(timeout=60) as client:
            for i in range(REPEATS):
                moves = [{"layer": "vangnet", "pc4": postcodes[(number + i) % len(postcodes)], "team_id": team}]
                asked = {"run": run, "layer": "vangnet", "region": 14, "changes": {"moves": moves}}
                began = time.perf_counter()
                client.post(f"{address}/api/figures", json=asked).raise_for_status()
                spent.append(1000 * (time.perf_counter() - began))
        return spent

    with ThreadPoolExecutor(PLANNERS) as pool:
        return [ms for spent in pool.map(one, range(PLANNERS)) for ms in spent]


def submitted_s(address: str, run: str, team: str) -> float:
    """From handing in a draft that moves one postcode until it is a proposal."""
    moves = [{"layer": "vangnet", "pc4": "3511", "team_id": team}]
    draft = {"run": run, "layer": "vangnet", "region": None, "changes": {"moves": moves}, "reason": "meting"}
    with httpx.Client(base_url=address, timeout=60) as client:
        began = time.perf_counter()
        task = client.post("/api/submit", json=draft).raise_for_status().json()["task"]
        while (told := client.get(f"/api/tasks/{task}").json())["state"] == "busy":
            time.sleep(0.1)
    assert told["state"] == "done", told
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("var", type=Path)
    parser.add_argument("--store", help="default: caseload.sqlite in that folder")
    asked = parser.parse_args()
    with served(asked.store or f"sqlite:///{asked.var / 'caseload.sqlite'}", asked.var) as address:
        with browser() as chromium:
            chromium.page.goto(f"{address}/")
            run = chromium.page.get_attribute("body", "data-run") or ""
        ready = statistics.median(ready_s(address) for _ in range(3))
        clicks = click_ms(address, "Midden-Utrecht", "3511")
        question = {"run": run, "layer": "vangnet", "postcodes": ["3511"]}
        team = httpx.post(f"{address}/api/suggestions", json=question, timeout=60).json()[0]["team_id"]
        shared = together_ms(address, run, ["3511", "3512", "3513", "3514", "3515"], team)
        proposal = submitted_s(address, run, team)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| figure | median | slowest |\n|---|---|---|")
    print(f"| page ready | {ready:.1f} s | |")
    print(f"| click to new figures | {statistics.median(clicks):.0f} ms | {max(clicks):.0f} ms |")
    print(f"| {PLANNERS} planners at once, one answer | {statistics.median(shared):.0f} ms | {max(shared):.0f} ms |")
    print(f"| a draft handed in, until it is a proposal, once | {proposal:.0f} s | |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
