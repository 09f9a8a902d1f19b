"""What happens to versions: proposed, published, published ahead, put back, refused; on both stores."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from pandas.testing import assert_frame_equal

from allocation import cli
from allocation.contract.errors import Passing, Refused
from allocation.contract.schema import Table
from allocation.publication import files, reads, store, tables, timeline, versions
from tests.support.outcomes import Country, allocation_of, routing_of, write_outcome

Propose = Callable[..., int]
TODAY = store.today()
MOVED = {"moves": {"1000": "A2"}, "note": "tweede"}


def later(days: int) -> date:
    return TODAY + timedelta(days=days)


def periods(store_url: str) -> list[tuple[int, date, date | None]]:
    """The timeline as a reader sees it: (version, first day, last day)."""
    with store.reading(store_url) as connection:
        query = sa.text("SELECT DISTINCT version, valid_from, valid_to FROM routing ORDER BY valid_from")
        rows = connection.execute(query.columns(version=sa.Integer, valid_from=sa.Date, valid_to=sa.Date))
        return [(row.version, row.valid_from, row.valid_to) for row in rows]


def timeline_file(files_dir: Path) -> list[tuple[int, str, str | None]]:
    entries = json.loads((files_dir / "timeline.json").read_text())["periods"]
    return [(e["version"], e["valid_from"], e["valid_to"]) for e in entries]


def test_a_proposal_is_invisible_to_readers(store_url: str, files_dir: Path, propose: Propose) -> None:
    version = propose()

    assert reads.versions(store_url)["status"].tolist() == ["proposed"]
    assert reads.current_version(store_url) is None
    assert timeline_file(files_dir) == []
    with store.reading(store_url) as connection:
        for view in ("allocation", "routing", "team", "team_load", "transition", "runs", "region_summary"):
            assert connection.scalar(sa.text(f"SELECT count(*) FROM {view}")) == 0, view
    assert len(reads.read_table("routing", store_url, version=version)) > 0  # operations can see it by its number


def test_a_published_version_is_the_outcome_row_for_row(store_url: str, files_dir: Path, propose: Propose) -> None:
    country = Country(columns=6, rows=2)
    version = propose(country)
    versions.publish(version, store_url, files_dir)

    expected = allocation_of(country).sort_values(["pc4", "client_line", "law_domain", "team_id"], ignore_index=True)
    got = reads.read_table("allocation", store_url)
    pd.testing.assert_frame_equal(got[expected.columns.tolist()], expected, check_dtype=False)
    assert set(got["version"]) == {1}
    assert set(got["valid_from"]) == {TODAY}
    assert set(got["valid_to"]) == {None}
    unit = ["pc4", "client_group", "pw_client", "law", "client_line"]
    routing = reads.read_table("routing", store_url)
    assert len(routing) == len(routing_of(country, allocation_of(country)))
    assert routing.groupby(unit)["share"].sum().between(1 - 1e-9, 1 + 1e-9).all()
    assert len(routing[unit].drop_duplicates()) == 12 * 4 * 2 * 3 * 2
    assert reads.read_table("runs", store_url)["configuration"].iloc[0] == {"tolerance": 0.05}


def test_the_same_content_gets_the_same_number(store_url: str, propose: Propose) -> None:
    assert [propose(), propose(), propose(**MOVED), propose()] == [1, 1, 2, 1]


def test_who_ran_it_does_not_make_another_version(store_url: str, files_dir: Path, tmp_path: Path) -> None:
    first = versions.propose(write_outcome(tmp_path / "a", created_by="anna"), store_url, files_dir)
    again = versions.propose(write_outcome(tmp_path / "b", created_by="bob"), store_url, files_dir)
    assert first == again
    assert reads.history(store_url)["acted_by"].tolist() == ["anna", "bob"]


def test_publishing_twice_changes_nothing(store_url: str, files_dir: Path, propose: Propose) -> None:
    version = propose()
    first = versions.publish(version, store_url, files_dir)
    record = reads.history(store_url)
    second = versions.publish(version, store_url, files_dir)

    assert first == second
    assert periods(store_url) == [(1, TODAY, None)]
    pd.testing.assert_frame_equal(reads.history(store_url), record)


def test_published_ahead_comes_into_force_on_its_day(store_url: str, files_dir: Path, propose: Propose) -> None:
    versions.publish(propose(), store_url, files_dir)
    versions.publish(propose(**MOVED), store_url, files_dir, valid_from=later(30))

    assert reads.current_version(store_url) == 1
    assert reads.current_version(store_url, later(29)) == 1
    assert reads.current_version(store_url, later(30)) == 2
    assert periods(store_url) == [(1, TODAY, later(29)), (2, later(30), None)]
    assert timeline_file(files_dir) == [
        (1, str(TODAY), str(later(29))),
        (2, str(later(30)), None),
    ]
    with store.reading(store_url) as connection:
        assert connection.scalars(sa.text("SELECT DISTINCT version FROM routing_current")).all() == [1]
    routing = reads.read_table("routing", store_url, on=later(30))
    clients = routing.query("pc4 == '1000' and client_group == 'regulier' and law == 'WIA'")
    assert set(clients.query("not pw_client")["team_id"]) == {"A2"}
    assert set(clients.query("pw_client")["team_id"]) == {"P"}


def test_a_version_in_between_leaves_the_planned_one(
    store_url: str, files_dir: Path, propose: Propose, caplog: pytest.LogCaptureFixture
) -> None:
    """And says that what was planned was computed against another division."""
    versions.publish(propose(), store_url, files_dir)
    versions.publish(propose(**MOVED), store_url, files_dir, valid_from=later(60))
    assert "stays planned" not in caplog.text
    versions.publish(propose(moves={"1001": "A1"}, note="derde"), store_url, files_dir, valid_from=later(30))

    assert f"Version 2 stays planned for {later(60)}, but" in caplog.text
    assert periods(store_url) == [(1, TODAY, later(29)), (3, later(30), later(59)), (2, later(60), None)]


def test_the_planned_day_of_a_proposal_is_the_default(store_url: str, files_dir: Path, tmp_path: Path) -> None:
    version = versions.propose(write_outcome(tmp_path / "o"), store_url, files_dir, valid_from=later(10))
    versions.publish(version, store_url, files_dir)
    assert periods(store_url) == [(1, later(10), None)]
    assert reads.current_version(store_url) is None
    with pytest.raises(Refused, match="No version is in force"):
        reads.read_table("routing", store_url)


def test_rollback_puts_an_old_version_back_and_keeps_the_record(
    store_url: str, files_dir: Path, propose: Propose
) -> None:
    versions.publish(propose(), store_url, files_dir, approval={"by": "anna", "remark": "akkoord"})
    versions.publish(propose(**MOVED), store_url, files_dir)
    assert reads.current_version(store_url) == 2
    folder = versions.rollback(1, store_url, files_dir, reason="fout in locks", by="bob")

    assert reads.current_version(store_url) == 1
    assert periods(store_url) == [(1, TODAY, None)]
    assert folder.is_dir()
    acts = reads.history(store_url)[["act", "version", "acted_by", "reason"]].to_numpy().tolist()
    assert acts[-1] == ["rollback", 1, "bob", "fout in locks"]
    assert [a[0] for a in acts] == ["propose", "publish", "propose", "publish", "rollback"]
    with store.reading(store_url) as connection:
        kept = connection.execute(sa.text("SELECT version FROM validity WHERE superseded_at IS NOT NULL")).all()
    assert [row[0] for row in kept] == [1, 2]  # what was in force earlier today stays on record
    assert reads.read_table("runs", store_url)["approval"].iloc[0] == {"by": "anna", "remark": "akkoord"}


def test_rollback_ahead(store_url: str, files_dir: Path, propose: Propose) -> None:
    versions.publish(propose(), store_url, files_dir)
    versions.publish(propose(**MOVED), store_url, files_dir, valid_from=later(5))
    versions.rollback(1, store_url, files_dir, reason="toch niet", by="bob", valid_from=later(20))
    assert periods(store_url) == [(1, TODAY, later(4)), (2, later(5), later(19)), (1, later(20), None)]


def test_a_version_with_a_team_that_has_ended_by_then_is_refused(
    store_url: str, files_dir: Path, propose: Propose
) -> None:
    version = propose(team_ends={"A2": later(9), "P": later(3)})
    told = (
        f"cannot come into force on {later(10)}: team A2 ended on {later(9)}, team P ended on {later(3)}; "
        "make a new proposal for that day"
    )
    with pytest.raises(Refused, match=told):
        versions.publish(version, store_url, files_dir, valid_from=later(10))
    assert reads.versions(store_url)["status"].tolist() == ["proposed"]
    assert reads.history(store_url)["act"].tolist() == ["propose"]
    assert list(files_dir.glob("v0*")) == []

    versions.publish(version, store_url, files_dir)
    versions.publish(propose(**MOVED), store_url, files_dir, valid_from=later(2))
    with pytest.raises(Refused, match=told):
        versions.rollback(version, store_url, files_dir, reason="toch niet", by="bob", valid_from=later(10))
    assert periods(store_url) == [(1, TODAY, later(1)), (2, later(2), None)]


def test_a_planned_day_that_a_team_does_not_reach_is_refused_too(
    store_url: str, files_dir: Path, tmp_path: Path
) -> None:
    """Without --valid-from a version comes into force on its planned day."""
    outcome = write_outcome(tmp_path / "o", Country(team_ends={"P": later(3)}))
    version = versions.propose(outcome, store_url, files_dir, valid_from=later(10))
    with pytest.raises(Refused, match=f"team P ended on {later(3)}"):
        versions.publish(version, store_url, files_dir)


def test_a_team_that_ends_while_the_version_is_in_force_is_warned_of(
    store_url: str, files_dir: Path, propose: Propose, caplog: pytest.LogCaptureFixture
) -> None:
    folder = versions.publish(propose(team_ends={"P": later(20)}), store_url, files_dir)
    assert caplog.messages == [
        f"Version 1 is in force until further notice, but team P ends on {later(20)}: "
        "a new division for the day after is needed."
    ]
    assert json.loads((folder / "manifest.json").read_text())["teams_that_end"] == {"P": str(later(20))}


def test_a_team_that_ends_after_the_next_planned_version_is_no_warning(
    store_url: str, files_dir: Path, propose: Propose, caplog: pytest.LogCaptureFixture
) -> None:
    versions.publish(propose(), store_url, files_dir)
    versions.publish(propose(**MOVED), store_url, files_dir, valid_from=later(10))
    versions.publish(propose(note="derde", team_ends={"P": later(9)}), store_url, files_dir, valid_from=later(5))
    assert "ends on" not in caplog.text


def test_another_end_of_a_team_makes_another_version(propose: Propose) -> None:
    ends = ({}, {"P": later(9)}, {"P": later(8)}, {"P": later(9)})
    assert [propose(team_ends=one) for one in ends] == [1, 2, 3, 2]


def test_a_proposal_of_before_ends_of_teams_were_kept_is_published_as_ever(
    store_url: str, files_dir: Path, propose: Propose
) -> None:
    version = propose(team_ends={"P": later(9)})
    folder = files_dir / "proposals" / "v0001"
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"] = [one for one in manifest["files"] if one["file"] != "team_periods.parquet"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "team_periods.parquet").unlink()
    versions.publish(version, store_url, files_dir, valid_from=later(10))
    assert reads.current_version(store_url, later(10)) == version


def test_the_folder_named_is_that_of_the_period_just_made(store_url: str, files_dir: Path, propose: Propose) -> None:
    """Version 1 is planned again for later on; putting it back before then names the folder of that earlier period."""
    versions.publish(propose(), store_url, files_dir)
    versions.publish(propose(**MOVED), store_url, files_dir, valid_from=later(5))
    versions.rollback(1, store_url, files_dir, reason="toch niet", by="bob", valid_from=later(20))
    folder = versions.rollback(1, store_url, files_dir, reason="eerder", by="bob", valid_from=later(10))
    assert folder.name == f"v0001_{later(10)}"
    assert versions.publish(1, store_url, files_dir, valid_from=later(2)).name == f"v0001_{TODAY}"


def test_what_rollback_refuses(store_url: str, files_dir: Path, propose: Propose) -> None:
    version = propose()
    with pytest.raises(Refused, match="only a published version"):
        versions.rollback(version, store_url, files_dir, reason="x", by="bob")
    with pytest.raises(Refused, match="There is no version 9; the versions run from 1 to 1"):
        versions.rollback(9, store_url, files_dir, reason="x", by="bob")
    with pytest.raises(Refused, match="needs a reason"):
        versions.rollback(version, store_url, files_dir, reason=" ", by="bob")


def test_an_old_version_is_not_published_again_by_accident(store_url: str, files_dir: Path, propose: Propose) -> None:
    versions.publish(propose(), store_url, files_dir)
    versions.publish(propose(**MOVED), store_url, files_dir)
    with pytest.raises(Refused, match="use rollback"):
        versions.publish(1, store_url, files_dir)


def test_a_proposal_made_before_the_last_publication_is_refused(
    store_url: str, files_dir: Path, propose: Propose
) -> None:
    first, second = propose(), propose(**MOVED)
    versions.publish(first, store_url, files_dir)
    with pytest.raises(Refused, match=r"Version 1 was published by .* after version 2 was proposed"):
        versions.publish(second, store_url, files_dir)
    assert reads.current_version(store_url) == 1

    assert propose(**MOVED) == second  # proposed anew, against the division in force now
    versions.publish(second, store_url, files_dir)
    assert reads.current_version(store_url) == 2


def test_only_the_first_publication_may_lie_in_the_past(store_url: str, files_dir: Path, propose: Propose) -> None:
    versions.publish(propose(), store_url, files_dir, valid_from=later(-100))
    with pytest.raises(Refused, match="before today"):
        versions.publish(propose(**MOVED), store_url, files_dir, valid_from=later(-1))
    assert periods(store_url) == [(1, later(-100), None)]


def test_a_proposal_that_is_approved_after_its_planned_day_begins_on_the_day_of_approval(
    store_url: str, files_dir: Path, propose: Propose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its question may wait for two weeks. The page tells the same day."""
    versions.publish(propose(), store_url, files_dir)
    outcome = write_outcome(tmp_path / "o", Country(columns=4, rows=2, **MOVED))
    second = versions.propose(outcome, store_url, files_dir, valid_from=later(3))
    assert reads.first_day(store_url, second) == later(3)
    for module in (store, timeline):
        monkeypatch.setattr(module, "today", lambda: later(5))
    assert reads.first_day(store_url, second) == later(5)
    versions.publish(second, store_url, files_dir)
    assert periods(store_url) == [(1, TODAY, later(4)), (2, later(5), None)]


def test_a_first_day_that_is_past_is_not_proposed(
    store_url: str, files_dir: Path, propose: Propose, tmp_path: Path
) -> None:
    """But for the first division of all: that one may have been in force before it was stored."""
    outcome = write_outcome(tmp_path / "o", Country(columns=4, rows=2, **MOVED))
    first = versions.propose(outcome, store_url, files_dir, valid_from=later(-3))
    assert reads.first_day(store_url, first) == later(-3)
    versions.publish(propose(), store_url, files_dir)
    with pytest.raises(Refused, match=r"cannot come into force on .*, before today"):
        versions.propose(outcome, store_url, files_dir, valid_from=later(-3))


def test_a_rejected_proposal_is_not_published_unless_proposed_again(
    store_url: str, files_dir: Path, propose: Propose
) -> None:
    version = propose()
    versions.reject(version, store_url, {"by": "anna", "remark": "te scheef"})
    with pytest.raises(Refused, match="was rejected"):
        versions.publish(version, store_url, files_dir)
    row = reads.versions(store_url).iloc[0]
    assert (row["status"], row["approval"]) == ("rejected", {"by": "anna", "remark": "te scheef"})

    assert propose() == version
    versions.publish(version, store_url, files_dir)


def test_rejecting_what_is_published_records_the_decision_and_changes_nothing(
    store_url: str, files_dir: Path, propose: Propose
) -> None:
    """The same content proposed again has the number of the version in force."""
    version = propose()
    versions.publish(version, store_url, files_dir)
    before = periods(store_url)
    assert propose() == version
    versions.reject(version, store_url, {"by": "anna", "remark": "niet nodig"})
    assert periods(store_url) == before
    assert reads.versions(store_url).iloc[0]["status"] == "published"
    last = reads.history(store_url).sort_values("act_id").iloc[-1]
    assert (last["act"], last["acted_by"], last["approval"]["remark"]) == ("reject", "anna", "niet nodig")


def test_an_outcome_that_was_computed_before_another_was_published_is_not_proposed(
    store_url: str, files_dir: Path, propose: Propose
) -> None:
    """Two runs ask the store on the same day. The one that comes later has to be computed anew, also when the store
    knows its content already: its changes and its transition are from what was in force before."""
    asked = reads.timeline_act(store_url)
    version = propose()
    versions.publish(version, store_url, files_dir)
    with pytest.raises(Refused, match="after this division was computed"):
        propose(based_on=asked)
    assert propose(based_on=reads.timeline_act(store_url)) == version


def test_versions_tells_what_is_in_force(store_url: str, files_dir: Path, propose: Propose) -> None:
    assert reads.versions(store_url).empty
    versions.publish(propose(), store_url, files_dir)
    versions.publish(propose(**MOVED), store_url, files_dir, valid_from=later(3))
    propose(note="derde")
    got = reads.versions(store_url)[["version", "status", "valid_from", "valid_to", "is_in_force"]]
    assert got.astype(object).where(got.notna(), None).to_numpy().tolist() == [
        [3, "proposed", None, None, False],
        [2, "published", later(3), None, False],
        [1, "published", TODAY, later(2), True],
    ]


def test_the_database_itself_forbids_overlap(store_url: str, files_dir: Path, propose: Propose) -> None:
    versions.publish(propose(), store_url, files_dir)
    overlapping = {"version": 1, "valid_from": later(10), "valid_to": None, "act_id": 1}
    with pytest.raises(sa.exc.IntegrityError), store.writing(store_url) as connection:
        connection.execute(tables.VALIDITY.insert().values(**overlapping))
    assert periods(store_url) == [(1, TODAY, None)]


def test_the_files_of_another_store_are_left_alone(
    store_url: str, files_dir: Path, propose: Propose, tmp_path: Path
) -> None:
    versions.publish(propose(), store_url, files_dir)
    other = f"sqlite:///{tmp_path / 'other.sqlite'}"
    with pytest.raises(Refused, match="holds the files of another store"):
        versions.propose(write_outcome(tmp_path / "o"), other, files_dir)
    assert timeline_file(files_dir) == [(1, str(TODAY), None)]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"store_id": '])
def test_files_of_which_the_label_is_damaged_are_left_alone(
    store_url: str, files_dir: Path, propose: Propose, text: str
) -> None:
    versions.publish(propose(), store_url, files_dir)
    (files_dir / "store.json").write_text(text)
    with pytest.raises(Refused, match=r"store\.json is damaged"):
        propose()
    assert (files_dir / "store.json").read_text() == text
    assert timeline_file(files_dir) == [(1, str(TODAY), None)]


def test_a_damaged_proposal_is_refused(store_url: str, files_dir: Path, propose: Propose) -> None:
    version = propose()
    with (files_dir / "proposals" / "v0001" / "routing.parquet").open("ab") as handle:
        handle.write(b"x")
    with pytest.raises(Refused, match=r"routing\.parquet differs from the manifest"):
        versions.publish(version, store_url, files_dir)
    assert reads.current_version(store_url) is None


def test_a_routing_with_a_gap_is_not_accepted(store_url: str, files_dir: Path, tmp_path: Path) -> None:
    folder = write_outcome(tmp_path / "o")
    routing = pd.read_parquet(folder / "routing.parquet")
    routing.iloc[1:].to_parquet(folder / "routing.parquet")
    with pytest.raises(ValueError, match="routing: "):
        versions.propose(folder, store_url, files_dir)
    assert reads.versions(store_url).empty


def test_a_connection_that_is_lost_at_work_may_pass(postgres_url: str) -> None:
    with pytest.raises(Passing, match=r"The connection to the store .* was lost") as refusal:  # noqa: PT012, SIM117
        with store.writing(postgres_url) as connection:
            own = connection.scalar(sa.text("SELECT pg_backend_pid()"))
            with store.connected(postgres_url) as other:
                other.execute(sa.text(f"SELECT pg_terminate_backend({own})"))
            connection.execute(sa.text("SELECT 1"))
    assert "\n" not in str(refusal.value)


def test_a_full_disk_is_told_in_one_sentence_and_publishes_nothing(
    store_url: str,
    files_dir: Path,
    propose: Propose,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    version = propose()

    def full(*_given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(files_dir / "routing.csv"))

    monkeypatch.setattr(files, "write_table", full)
    arguments = ["publish", str(version), "--store", store_url, "--var", str(files_dir.parent)]
    assert cli.main(arguments) == 1
    assert (
        capsys.readouterr().err == f"refused: no space left on {files_dir / 'routing.csv'}; make room and try again\n"
    )
    assert reads.versions(store_url)["status"].tolist() == ["proposed"]
    assert list(files_dir.glob("v0*")) == []


def test_the_files_of_a_version_give_the_rows_of_the_store(store_url: str, files_dir: Path, propose: Propose) -> None:
    for wanted in ({}, MOVED):
        version = propose(**wanted)
        versions.publish(version, store_url, files_dir)

    def by_key(rows: pd.DataFrame, table: Table) -> pd.DataFrame:  # each database has its own place for empty cells
        keys = rows.assign(**{name: rows[name].map(str) for name in table.key})
        return rows.loc[keys.sort_values(list(table.key)).index].reset_index(drop=True) if table.key else rows

    for table in tables.STORED:
        of_store = reads.read_table(table.name, store_url, version=version)
        of_files = reads.read_table(table.name, store_url, version=version, files_dir=files_dir)
        assert_frame_equal(by_key(of_store, table), by_key(of_files, table), obj=table.name)


@pytest.mark.parametrize("harm", ["other rows", "gone", "of another version"])
def test_files_of_a_version_that_are_not_sound_are_not_read(
    store_url: str, files_dir: Path, propose: Propose, harm: str
) -> None:
    first, second = propose(), propose(**MOVED)
    folders = [files_dir / "proposals" / f"v{number:04d}" for number in (first, second)]
    expected = reads.read_table("allocation", store_url, version=first)
    if harm == "gone":
        (folders[0] / "allocation.parquet").unlink()
    else:
        for name in ["allocation.parquet", *(["manifest.json"] if harm == "of another version" else [])]:
            shutil.copyfile(folders[1] / name, folders[0] / name)
    found = reads.read_table("allocation", store_url, version=first, files_dir=files_dir)
    assert_frame_equal(found, expected)
    moved = reads.read_table("allocation", store_url, version=second, files_dir=files_dir)
    assert not moved["team_id"].equals(expected["team_id"])
