"""What is wrong with a bare instance leads to its file, row and column or key; what is only unusual is a remark.

One good instance, and one mistake of each kind; then a fuzzer that makes such mistakes anywhere in it.
"""

from __future__ import annotations

import gc
import os
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from allocation import cli
from allocation.districting import InstanceError, Problem, evaluate, read_instance

GOOD = {
    "units.csv": "unit,x,y,demand,current_team,municipality,ggz\n"
    "u0,0,0,10,A,Arnhem,Noord\nu1,0,1000,12.5,A,Arnhem,Noord\nu2,1000,0,9,B,Ede,Noord\nu3,1000,1000,11,B,Ede,Zuid\n",
    "edges.csv": "a,b,border\nu0,u1,1000\nu0,u2,900\nu1,u3,800\nu2,u3,0\n",
    "teams.csv": "team,capacity,x,y\nA,1,0,500\nB,1.1,1000,500\n",
    "problem.toml": "tolerance = 0.2\n\n[weights]\ntravel = 1.0\nmunicipality_splits = 0.5\nmoved = 20\n\n"
    "[groupings]\nggz = 0.25\n",
    "distance.csv": "unit,team,km\n"
    + "".join(f"u{i},{t},{1.5 + i * j}\n" for i in range(4) for j, t in enumerate("AB")),
}


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, text in files.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def faults(folder: Path, **changed: str | bytes) -> tuple[str, ...]:
    names = {"units": "units.csv", "edges": "edges.csv", "teams": "teams.csv", "distance": "distance.csv",
             "settings": "problem.toml"}  # fmt: skip
    write(folder, GOOD | {names[key]: text for key, text in changed.items()})
    with pytest.raises(InstanceError) as caught:
        read_instance(folder)
    return caught.value.sentences


def test_the_good_instance_is_read_without_a_remark(tmp_path: Path) -> None:
    remarks: list[str] = []
    problem = read_instance(write(tmp_path, GOOD), remarks)
    assert remarks == []
    assert problem.groupings["ggz"].tolist() == [0, 0, 0, 1]
    assert problem.weights.groupings == {"ggz": 0.25}
    assert problem.distance_km[3].tolist() == [1.5, 4.5]


UNITS, EDGES, TEAMS, DISTANCE = (GOOD[n] for n in ("units.csv", "edges.csv", "teams.csv", "distance.csv"))
TOML = GOOD["problem.toml"]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"units": UNITS.replace("u1,0,1000,12.5", "u1,0,1000,12,5")},
         "units.csv, row 3: has 8 cells where the header has 7; a decimal comma, or text with a comma, unquoted?"),
        ({"units": UNITS.replace("12.5", '"12,5"')},
         "units.csv, row 3, column demand: '12,5' is not allowed; a plain number from 0 to 1e+12 is needed."),
        ({"units": UNITS.replace("Noord\nu1", "Noord,\nu1", 1)},
         "units.csv, row 2: has 8 cells where the header has 7; the last is empty."),
        ({"units": UNITS.replace("u3,1000,1000,11,B", "u3,1000,1000")},
         "units.csv, row 5: has 5 cells where the header has 7."),
        ({"units": UNITS.replace("demand", "demnad")},
         "units.csv, column demnad: is not known; was demand meant?"),
        ({"units": UNITS.replace("demand", "demnad")},
         "units.csv, column demand: is missing; needed are unit, x, y, demand."),
        ({"units": UNITS.replace("municipality", "Municipality ")},
         "units.csv, column Municipality: is not known; was municipality meant?"),
        ({"units": UNITS.replace("current_team", "x")}, "units.csv, column x: occurs more than once."),
        ({"units": UNITS.replace("ggz", "")}, "units.csv, column 7: has no name in the header."),
        ({"units": UNITS.replace(",", ";")},
         "units.csv, row 1: columns are separated by semicolons; commas are needed."),
        ({"units": UNITS.replace("u2,1000,0", '"u2,1000,0')}, "units.csv, row 5: is not CSV (an open quote)."),
        ({"units": UNITS.replace("B,Ede,Noord", 'B,Ede",Noord')},
         "units.csv, row 4: 'Ede\"' has a quote without a partner."),
        ({"units": UNITS.replace("u1,0,", '"u1\nu1",0,')},
         "units.csv, row 4: a cell holds a line break; is a quote open?"),
        ({"units": UNITS.replace("u1,", "u0 ,")}, "units.csv, row 3, column unit: 'u0' occurs more than once (row 2)."),
        ({"units": "\n" + UNITS}, "units.csv, row 1: is empty; the header is needed there."),
        ({"units": UNITS.replace("u1,0", "\n\n,0")},
         "units.csv, row 5, column unit: '' is not allowed; a name is needed."),
        ({"units": UNITS.replace(",B,Ede", ",b,Ede")},
         "units.csv, row 4, column current_team: 'b' is not known; was B meant?"),
        ({"units": UNITS.replace("Arnhem", "Arn\0hem")}, "units.csv, row 2: has a control character '\\x00'."),
        ({"units": UNITS.encode("utf-16")}, "units.csv: is in UTF-16; UTF-8 is needed."),
        ({"units": UNITS.encode().replace(b"Ede", b"\xed\xa0\x80")},
         "units.csv, row 4: has a character that is not in UTF-8."),
        ({"units": ""}, "units.csv: is empty; needed are the columns unit, x, y, demand."),
        ({"units": UNITS.split("\n")[0] + "\n"}, "units.csv: has no rows below its header."),
        ({"edges": EDGES + "u1,u0,1000\n"}, "edges.csv, row 6, column b: the pair u1, u0 occurs in row 2 too."),
        ({"edges": EDGES + "u1,u1,1000\n"}, "edges.csv, row 6, column b: 'u1' is no neighbour of itself."),
        ({"edges": EDGES + "u1,u9,1000\n"},
         "edges.csv, row 6, column b: 'u9' is not allowed; a unit of units.csv is needed."),
        ({"edges": EDGES.replace("border", "border,length")},
         "edges.csv, column length: is not known; known are a, b, border."),
        ({"teams": TEAMS.replace("B,1.1", "A,1.1")},
         "teams.csv, row 3, column team: 'A' occurs more than once (row 2)."),
        ({"teams": TEAMS.replace(",y", "").replace(",500", "")},
         "teams.csv, column y: is missing; an office needs both x and y."),
        ({"distance": DISTANCE.replace("u1,B,2.5\n", "")}, "distance.csv: unit u1 and team B have no row."),
        ({"distance": DISTANCE.replace("u1,B", "u1,A")},
         "distance.csv, row 5, column team: the pair occurs in row 4 too."),
        ({"settings": TOML.replace("[weights]", "[weigths]")},
         "problem.toml, weigths: is not known; was weights meant?"),
        ({"settings": TOML.replace("moved", "mooved")}, "problem.toml, weights.mooved: is not known; was moved meant?"),
        ({"settings": TOML.replace("ggz", "gggz")},
         "problem.toml, groupings.gggz: units.csv has no column of that name; was ggz meant?"),
        ({"settings": TOML.replace("ggz", "municipality")},
         "problem.toml, groupings.municipality: is a column with a meaning of its own; it cannot be a grouping."),
        ({"settings": TOML.replace("= 0.2\n", "= true\n")},
         "problem.toml, tolerance: True is not allowed; a plain number from 0 to 1000 (0.05 = 5%) is needed."),
        ({"settings": TOML.replace("tolerance = 0.2\n", "")}, "problem.toml, tolerance: is missing."),
        ({"settings": TOML.replace("travel = 1.0", "travel = nan")},
         "problem.toml, weights.travel: nan is not allowed; a plain number from 0 to 1e+09 is needed."),
        ({"settings": TOML.replace("[weights]", "weights = 3\n[groupings.x]")},
         "problem.toml, weights: a table is needed."),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_its_place(tmp_path: Path, changed: dict[str, str | bytes], fault: str) -> None:
    assert any(sentence.startswith(fault) for sentence in faults(tmp_path, **changed)), faults(tmp_path, **changed)


def test_lists_in_lists_without_end_are_no_settings(tmp_path: Path) -> None:
    gc.collect()  # else Python may do it deep in the recursion, where a warning of another test cannot be told
    assert faults(tmp_path, settings="tolerance = " + "[" * 5000)[0].startswith("problem.toml: is not TOML (")


@pytest.mark.parametrize("text", ["nan", "inf", "1e30", "-1", "1_000", "1.000.000", "٣", "0x10", "", "1 2", "1e-300"])
def test_a_number_that_is_not_plain_or_beyond_its_range_is_refused(tmp_path: Path, text: str) -> None:
    (fault,) = faults(tmp_path, units=UNITS.replace("12.5", text))
    assert fault.startswith("units.csv, row 3, column demand: ")


def test_the_cause_is_named_and_not_its_consequences(tmp_path: Path) -> None:
    """Without the units' file no edge, distance or grouping is called unknown."""
    assert len(faults(tmp_path, units=UNITS.replace("u1,0", "u1,0,0"))) == 1


def test_many_faults_of_one_kind_are_counted(tmp_path: Path) -> None:
    edges = "a,b,border\n" + "".join(f"u0,x{i},1\n" for i in range(50))
    found = faults(tmp_path, edges=edges)
    assert len(found) == 11
    assert found[-1] == "edges.csv, column b: 40 more faults of this kind."


def test_a_file_under_nearly_the_right_name_is_named(tmp_path: Path) -> None:
    write(tmp_path, {("Distance.csv" if name == "distance.csv" else name): text for name, text in GOOD.items()})
    with pytest.raises(InstanceError) as caught:
        read_instance(tmp_path)
    assert caught.value.sentences == ("Distance.csv: is not read; was distance.csv meant?",)


def test_a_folder_for_a_file_and_a_file_for_a_folder(tmp_path: Path) -> None:
    write(tmp_path, {name: text for name, text in GOOD.items() if name != "edges.csv"})
    (tmp_path / "edges.csv").mkdir()
    with pytest.raises(InstanceError, match=r"^edges.csv: cannot be read \(Is a directory\)\.$"):
        read_instance(tmp_path)
    with pytest.raises(InstanceError, match=r"units\.csv: is not a folder"):
        read_instance(tmp_path / "units.csv")


def test_marks_blanks_and_quotes_change_nothing(tmp_path: Path) -> None:
    """A byte order mark, blanks and no-break spaces around names, quoted cells, Windows line ends, empty lines."""
    good = read_instance(write(tmp_path, GOOD))
    changed = {name: ("\ufeff" + text.replace("\n", "\r\n")).encode() for name, text in GOOD.items()}
    changed["units.csv"] = b"\xef\xbb\xbf" + (
        UNITS.replace("Arnhem,", " Arnhem\u00a0,", 1).replace("u2,", '"u2 ",').replace(",ggz", ',"ggz"')
        + "\n\n"
    ).encode()  # fmt: skip
    remarks: list[str] = []
    again = read_instance(write(tmp_path, changed), remarks)
    assert remarks == []
    assert outcomes(again) == outcomes(good)


@pytest.mark.parametrize(
    ("changed", "remark"),
    [
        ({"units.csv": UNITS.replace(",B,Ede", ",Q,Ede")},
         "units.csv, column current_team: Q in 2 rows is no team of teams.csv: counted as gone."),
        ({"units.csv": UNITS.replace("9,B,Ede", "9,B,")},
         "units.csv, column municipality: 1 rows are empty: together they count as one group."),
        ({"units.csv": UNITS.replace("9,B,Ede", "9,B,EDE")},
         "units.csv, column municipality: 'EDE' and 'Ede' count as two groups."),
        ({"units.csv": UNITS.replace("12.5", "1.250")},
         "units.csv, row 3, column demand: '1.250' between whole numbers is read as 1.25, not as thousands."),
        ({"problem.toml": TOML.split("[groupings]")[0]},
         "units.csv, column ggz: has no price in [groupings]: not used."),
        ({"problem.toml": TOML.replace("travel", "care_region_splits")},
         "problem.toml, weights.care_region_splits: has no effect without a column care_region in units.csv."),
        ({"problem.toml": TOML.replace("0.2", "5")}, "problem.toml, tolerance: 5 is 500% of the target."),
    ],
)  # fmt: skip
def test_what_is_unusual_is_remarked(tmp_path: Path, changed: dict[str, str], remark: str) -> None:
    remarks: list[str] = []
    read_instance(write(tmp_path, GOOD | changed), remarks)
    assert remark in remarks


# -- the command ------------------------------------------------------------------------------------------------------


def test_solve_says_where_a_plan_cannot_be_written_before_it_searches(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, GOOD)
    monkeypatch.setattr("allocation.districting.solve", lambda *_: pytest.fail("searched"))
    for out, why in (
        ("absent/plan.csv", "does not exist"),
        (".", "is a folder"),
        ("teams.csv", "a file of the instance"),
    ):
        assert cli.main(["solve", str(tmp_path), "--out", str(tmp_path / out)]) == 2
        assert why in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--seed", "-1"], ["--seed", "1.5"], ["--seconds", "-1"], ["--seconds", "nan"],
                                   ["--certify", "-5"], ["--certify", "inf"]])  # fmt: skip
def test_wrong_usage_is_a_sentence(tmp_path: Path, wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["solve", str(tmp_path), "--out", str(tmp_path / "plan.csv"), *wrong])
    assert ended.value.code == 2
    assert "is not a" in capsys.readouterr().err


# -- the fuzzer -------------------------------------------------------------------------------------------------------


def outcomes(problem: Problem) -> list[tuple[float, ...]]:
    """What every division of the four units costs and the loads that it gives, under the names of units and teams."""
    units = [problem.unit_ids.index(name) for name in ("u0", "u1", "u2", "u3")]
    teams = [problem.team_ids.index(name) for name in ("A", "B")]
    out: list[tuple[float, ...]] = [
        tuple(problem.target[teams]),
        (problem.tolerance, float(problem.n), float(problem.k)),
    ]
    for code in range(16):
        plan = np.zeros(4, dtype=np.int64)
        plan[units] = [teams[code >> i & 1] for i in range(4)]
        terms = evaluate(problem, plan)
        loads = np.bincount(plan, problem.demand, problem.k)[teams]
        out.append((terms.objective, terms.travel_km, float(terms.cut_edges), terms.border_km, *loads))
    return out


CELLS = [
    "", " ", "nan", "inf", "-inf", "1e30", "-5", "1_0", "1,5", "1.000,5", "x", "u0", "A", "b", "0x1", "٣", "\u00a0",
    "\0", "\x1b[0m", '"', '"u', "a\nb", "a\r", ";", "=1+1", "\ufeff", "1e5000", "9" * 400, "true", "\u2028",
]  # fmt: skip


def mutated(name: str, text: str, rng: random.Random) -> bytes:
    """``text`` with one mistake of the kinds that people and programs make."""
    lines = text.split("\n")
    at = rng.randrange(len(lines) - 1)
    cells = lines[at].split(",")
    place = rng.randrange(len(cells))

    def put(changed: list[str]) -> bytes:
        return "\n".join([*lines[:at], ",".join(changed), *lines[at + 1 :]]).encode("utf-8", "surrogatepass")

    other = rng.choice([cell for cell in CELLS if cell])
    kinds = [
        lambda: put([*cells[:place], rng.choice(CELLS), *cells[place + 1 :]]),
        lambda: put([*cells[:place], cells[place] + rng.choice(CELLS), *cells[place + 1 :]]),
        lambda: put([*cells[:place], f"  {cells[place]}\u00a0", *cells[place + 1 :]]),
        lambda: put([*cells[:place], f'"{cells[place]}"', *cells[place + 1 :]]),
        lambda: put([*cells[:place], f'"{cells[place]}', *cells[place + 1 :]]),
        lambda: put([*cells, ""]),
        lambda: put([*cells[:place], *cells[place + 1 :]]),
        lambda: put([*cells[:place], cells[place], *cells[place:]]),
        lambda: put([*cells[:place], cells[place].upper(), *cells[place + 1 :]]),
        lambda: put([*cells[:place], cells[place].replace(".", ","), *cells[place + 1 :]]),
        lambda: put([*cells[:place], cells[place][::-1], *cells[place + 1 :]]),
        lambda: "\n".join([*lines[: at + 1], *lines[at:]]).encode(),  # a line twice
        lambda: "\n".join([*lines[:at], "", *lines[at:]]).encode(),
        lambda: text.replace(",", ";").encode(),
        lambda: text.replace("\n", "\r\n").encode(),
        lambda: text.encode("utf-8-sig"),
        lambda: text.encode("utf-16"),
        lambda: text.encode()[: rng.randrange(len(text))],
        lambda: text.encode() + rng.choice([b"\xff", b"\0", b"\n\n", b"   \n", b"\x1a"]),
        lambda: "\n".join([*lines[:at], other, *lines[at:]]).encode("utf-8", "surrogatepass"),
        lambda: b"",
        lambda: put(["\ud800", *cells[1:]]),
    ]
    return rng.choice(kinds)()


LONG = os.environ.get("CASELOAD_FUZZ_EXAMPLES")


@pytest.mark.timeout(0 if LONG else 300)
@settings(max_examples=int(LONG or 400), deadline=None, derandomize=LONG is None, print_blob=True)
@given(st.sampled_from(sorted(GOOD)), st.integers(0, 2**32))
@example("units.csv", 0)
def test_a_mistake_anywhere_is_refused_with_its_place_or_changes_nothing_or_is_remarked(
    tmp_path_factory: pytest.TempPathFactory, name: str, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("instance")
    good = outcomes(read_instance(write(folder, GOOD)))
    text = mutated(name, str(GOOD[name]), random.Random(seed))
    remarks: list[str] = []
    sentences: tuple[str, ...] = ()
    try:
        problem = read_instance(write(folder, {name: text}), remarks)
    except InstanceError as error:
        sentences = error.sentences
    assert all(sentence.startswith(tuple(GOOD)) for sentence in sentences), sentences
    assert all(len(sentence) < 500 for sentence in sentences)
    if not sentences and not remarks and not is_other_instance(text, name):
        assert outcomes(problem) == good, (name, text)


def is_other_instance(text: bytes, name: str) -> bool:
    """Whether a person would call the changed file a good one too, of another instance: a cell with another proper
    number or another known name, or a file cut off between rows."""
    lines, before = (t.replace("\r", "").split("\n") for t in (text.decode("utf-8-sig"), str(GOOD[name])))
    proper = {"u0", "u1", "u2", "u3", "A", "B"}
    lines, before = ([line for line in t if line] for t in (lines, before))
    if len(lines) < len(before) and lines[:-1] == before[: len(lines) - 1]:
        return True  # cut off: the last row may have lost digits
    for line, old in zip(lines, before, strict=False):
        for cell, was in zip(line.split(","), old.split(","), strict=False):
            new = cell.strip().strip('"').strip()
            if new != was and (new in proper or new.replace(".", "", 1).replace("-", "", 1).isdecimal()):
                return True
            if new != was and not was.replace(".", "", 1).isdecimal() and was not in proper:
                return True  # another municipality or grouping, or another name in the settings
    return False
