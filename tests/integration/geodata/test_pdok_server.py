"""The client of PDOK against a real OGC API Features server, with and without trouble on the way."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from geopandas import GeoDataFrame

import geodata
from geodata import Boundaries, Edition
from geodata.errors import GeodataError
from geodata.sources import pdok
from geodata.sources.features import ATTEMPTS, FeatureClient
from tests.integration.geodata.conftest import SPLIT_PC4, YEAR
from tests.integration.geodata.faulty import FOREVER, Fault, Proxy

PASSING = {
    "time_out": [1.0],
    "hang_up": [1.0],
    "cut_bytes": [1.0],
    "cut_json": [1.0],
    "cut_features": [1.0],
    "too_many": [7.0],
    "server_error": [1.0],
    "garbage": [1.0],
    "not_features": [1.0],
    "repeat": [1.0],
    "drop_field": [1.0],
    "drop_geometry": [1.0],
}
"""Trouble that passes when the page is asked for again -> the wait before that (too_many: what the server asks)."""


class Download:
    """One download through the proxy into a cache; waits are recorded, not slept."""

    def __init__(self, proxy: Proxy, cache: Path) -> None:
        self.proxy, self.cache = proxy, cache
        self.waits: list[float] = []
        self.said: list[str] = []

    @property
    def patience_s(self) -> float:
        """How long the client waits for an answer: short only where no answer is what is tested."""
        fault = self.proxy.fault
        return 1.0 if fault is not None and fault.kind == "time_out" else 60.0

    def run(self) -> None:
        services = pdok.Services.at(self.proxy.address)
        with FeatureClient(say=self.said.append, sleep=self.waits.append, timeout_s=self.patience_s) as client:
            pdok.download(YEAR, self.cache, services, client, self.said.append)

    def features(self, folder: Path) -> list[dict[str, Any]]:
        """The postcode areas alone, as the server has them."""
        url = f"{self.proxy.address}/postcode4/ogc/v1/collections/postcode4/items"
        query = {"jaarcode": str(YEAR), "limit": "1000", "crs": pdok.CRS, "f": "json"}
        with FeatureClient(sleep=self.waits.append, timeout_s=self.patience_s) as client:
            return client.items(url, query, ("postcode", "aantal_inwoners"), folder)

    def table(self) -> GeoDataFrame:
        assert pdok.checksum(YEAR, self.cache) is not None
        return pdok.read(YEAR, self.cache).areas


def content(folder: Path) -> dict[str, str]:
    """Every file of the cache that a run can see, with its checksum; what is kept of an unfinished download is not."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and "partial" not in str(path)]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="session")
def whole(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the whole edition, which every download must end in. Straight from the server, in its own time."""
    cache = tmp_path_factory.mktemp("whole")
    with FeatureClient() as client:
        pdok.download(YEAR, cache, pdok.Services.at(proxy.address), client, lambda _: None)
    return cache


@pytest.fixture
def download(proxy: Proxy, cache: Path, whole: Path) -> Iterator[Download]:
    """A download of which every answer of the server is known to the proxy, so that only the trouble takes time."""
    proxy.reset()
    yield Download(proxy, cache)
    proxy.reset()


def test_every_page_is_read_politely(download: Download, served_areas: GeoDataFrame) -> None:
    download.run()
    found = download.table()
    assert found["pc4"].tolist() == served_areas["pc4"].tolist()
    assert found.geometry.geom_equals_exact(served_areas.geometry, tolerance=0.001).all()
    pages = [path for path in download.proxy.asked if "collections/postcode4/items" in path]
    assert len(pages) == 5
    assert all("limit=1000" in path for path in pages)
    assert download.proxy.open_at_most == 1
    assert download.proxy.agents == {"smc-caseload geodata"}
    assert download.waits == []
    assert not list(download.cache.glob("*partial*"))


def test_unpublished_counts_are_missing_and_not_zero(download: Download, served_areas: GeoDataFrame) -> None:
    download.run()
    counts = download.table()["inhabitants"]
    expected = served_areas["inhabitants"]
    assert counts.isna().sum() == (expected == 0).sum() + 1
    assert counts.sum() == expected.sum() - expected.iloc[0]


def test_pages_of_an_unfinished_download_are_not_asked_for_again(download: Download) -> None:
    download.proxy.reset(Fault("server_error", after=3, times=FOREVER))
    with pytest.raises(GeodataError, match="in 6 attempts: the server answered 500"):
        download.run()
    asked = [path for path in download.proxy.asked if "offset=2000" in path]
    assert len(asked) == ATTEMPTS
    assert download.waits == [1.0, 2.0, 4.0, 8.0, 16.0]
    download.proxy.reset()
    download.run()
    again = [path for path in download.proxy.asked if "collections/postcode4/items" in path]
    assert ["offset=2000" in again[0], "offset=3000" in again[1], len(again)] == [True, True, 3]
    assert "going on after 2 pages of an earlier attempt" in download.said
    assert len(download.table()) == 4044


def test_starts_again_when_the_server_forgot_where_it_was(download: Download) -> None:
    download.proxy.reset(Fault("server_error", after=3, times=FOREVER))
    with pytest.raises(GeodataError):
        download.run()
    download.proxy.reset(Fault("gone", after=1, times=1))
    download.run()
    assert len(download.table()) == 4044


NOT_ALONE = {"time_out", "cut_bytes", "cut_features", "server_error", "not_features", "drop_geometry"}
"""Kinds that `make test` leaves to the heavy tests: another kind is met in the same place."""


def kinds(of: Iterable[str]) -> list[Any]:
    return [pytest.param(kind, marks=pytest.mark.heavy if kind in NOT_ALONE else ()) for kind in of]


@pytest.mark.parametrize("kind", kinds(PASSING))
def test_trouble_that_passes_ends_in_the_full_data(
    download: Download, kind: str, served_areas: GeoDataFrame, tmp_path: Path
) -> None:
    download.proxy.reset(Fault(kind))
    features = download.features(tmp_path)
    assert [feature["properties"]["postcode"] for feature in features] == served_areas["pc4"].tolist()
    assert features == json.loads(download.proxy.everything("postcode4"))["features"]
    assert download.waits == PASSING[kind]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        pytest.param("time_out", "no answer", marks=pytest.mark.heavy),  # six waits of a second
        ("hang_up", "no answer"),
        pytest.param("cut_bytes", "no answer", marks=pytest.mark.heavy),
        pytest.param("cut_json", "not JSON", marks=pytest.mark.heavy),
        ("cut_features", "the page says 1000 features and holds 10"),
        ("cut_silently", "announced 4044 features and sent 1010"),
        ("too_many", "429"),
        ("come_back_tomorrow", "asks to come back in 86400 s"),
        pytest.param("server_error", "500", marks=pytest.mark.heavy),
        ("gone", "answered 404"),
        pytest.param("garbage", "not JSON", marks=pytest.mark.heavy),
        pytest.param("not_features", "has no features", marks=pytest.mark.heavy),
        ("repeat", "for the second time"),
        ("drop_field", "no field 'postcode'"),
        pytest.param("drop_geometry", "no geometry", marks=pytest.mark.heavy),
        ("other_server", "another server, elsewhere.invalid"),
        ("degrees", "do not lie in the Netherlands"),
    ],
)
def test_trouble_that_stays_is_one_clear_error_and_the_cache_is_intact(
    download: Download, kind: str, words: str, whole: Path
) -> None:
    shutil.copytree(whole, download.cache)
    before = content(download.cache)
    download.proxy.reset(Fault(kind, times=FOREVER))
    with pytest.raises(GeodataError, match=words):
        download.run()
    assert content(download.cache) == before
    assert len(download.table()) == 4044


def test_no_server_at_all_is_one_clear_error(cache: Path) -> None:
    with FeatureClient(sleep=lambda _: None, timeout_s=1.0) as client, pytest.raises(GeodataError, match="no answer"):
        pdok.download(YEAR, cache, pdok.Services.at("http://127.0.0.1:9"), client, lambda _: None)
    assert pdok.cached_years(cache) == []


def test_boundaries_of_pdok_are_built_and_then_need_no_network(
    proxy: Proxy, whole: Path, cache: Path, served_areas: GeoDataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.reset()
    monkeypatch.setenv("GEODATA_PDOK_URL", proxy.address)
    first = geodata.load_boundaries(f"pdok:{YEAR}", cache_dir=cache)
    assert first.edition.year == YEAR
    assert first.edition.licence == "CC BY 4.0, CBS/PDOK"
    assert first.areas["pc4"].tolist() == served_areas["pc4"].tolist()
    for column in ("gemeente_code", "gemeente_name", "arbeidsmarktregio_nr", "arbeidsmarktregio", "care_region"):
        assert first.areas[column].tolist() == served_areas[column].tolist(), column

    crossing = first.repairs[first.repairs["class"] == "regiogrens"]
    assert crossing["pc4"].tolist() == [SPLIT_PC4]
    surface, people = crossing["detail"].iloc[0].split("; ")
    assert surface == "Amersfoort 60% | Midden-Utrecht 40%"
    assert people == "inwoners: Midden-Utrecht 99% | Amersfoort 1%"
    assert crossing["action"].iloc[0] == "naar Midden-Utrecht: meeste inwoners"

    assert geodata.problems(first) == []

    monkeypatch.setenv("GEODATA_PDOK_URL", "http://127.0.0.1:9")
    asked = len(proxy.asked)
    for spec in (f"pdok:{YEAR}", "pdok", str(YEAR)):
        assert geodata.load_boundaries(spec, cache_dir=cache).fingerprint() == first.fingerprint()
    assert len(proxy.asked) == asked


def test_full_postcodes_of_a_split_area_are_fetched_once(
    proxy: Proxy, served_areas: GeoDataFrame, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.reset()
    monkeypatch.setenv("GEODATA_PDOK_URL", proxy.address)
    edition = Edition("pdok", YEAR, "none", "served", "0", "2026-01-01T00:00:00+00:00")
    boundaries = Boundaries(served_areas, pd.DataFrame(), pd.DataFrame(), edition)
    found = geodata.load_full_postcodes([SPLIT_PC4], boundaries, cache)
    assert found["pc4"].tolist() == [SPLIT_PC4] * 3
    assert found["pc6"].tolist() == [f"{SPLIT_PC4}AA", f"{SPLIT_PC4}AB", f"{SPLIT_PC4}AC"]
    assert found["inhabitants"].tolist() == [40, 3000, pd.NA]
    asked = len(proxy.asked)
    again = geodata.load_full_postcodes([SPLIT_PC4], boundaries, cache)
    pd.testing.assert_frame_equal(again, found)
    assert len(proxy.asked) == asked
    with pytest.raises(GeodataError, match="There is no area 0001"):
        geodata.load_full_postcodes(["0001"], boundaries, cache)


def test_the_newest_year_that_the_server_has_is_found(proxy: Proxy) -> None:
    proxy.reset()
    with FeatureClient() as client:
        services = pdok.Services.at(proxy.address)
        assert pdok.newest_year(services, client, date(YEAR + 2, 11, 21)) == YEAR
        with pytest.raises(GeodataError, match="no postcode areas of the last five years"):
            pdok.newest_year(services, client, date(YEAR + 9, 11, 21))
