"""CSV files of names and vectors: where the name is, with titles and without."""

from __future__ import annotations

import pytest

from config.errors import PeopleError
from tracker.moving.csv_files import read_csv

NUMBERS = [0.5 + number for number in range(8)]
ROW = ",".join(map(str, NUMBERS))
COMMAS = [str(number).replace(".", ",") for number in NUMBERS]
LINES = {
    "name-first": (f"Ada,{ROW}\n", "Ada"),
    "id-before-the-name": (f"id,name,{','.join('abcdefgh')}\n17,Ada,{ROW}\n", "Ada"),
    "number-as-name": (f"17,{ROW}\n", "17"),
    "number-under-a-title": (f"id,{','.join('abcdefgh')}\n17,{ROW}\n", "17"),
    "numbers-as-titles": (f"name,{','.join(map(str, range(8)))}\nAda,{ROW}\n", "Ada"),
    "numbered-rows": (f",name,{','.join(map(str, range(8)))}\n0,Ada,{ROW}\n", "Ada"),
    "name-last": (f"{','.join(map(str, range(8)))},label\n{ROW},Ada\n", "Ada"),
    "decimal-commas": ("Ada;" + ";".join(COMMAS), "Ada"),
    "decimal-commas-under-titles": ("name;a;b;c;d;e;f;g;h\r\nByron, Ada;" + ";".join(COMMAS) + "\r\n", "Byron, Ada"),
    "decimal-commas-between-tabs": ("Ada\t" + "\t".join(COMMAS), "Ada"),
    "decimal-commas-in-quotes": ("Ada," + ",".join(f'"{number}"' for number in COMMAS), "Ada"),
    "one-cell": (f'name,vector\nAda,"[{ROW}]"\n', "Ada"),
}


@pytest.mark.parametrize("shape", LINES)
def test_names_and_numbers_are_told_apart(shape: str) -> None:
    text, name = LINES[shape]
    (person,) = read_csv(text.encode(), name="members.csv").people
    assert (person.name, person.vectors) == (name, (NUMBERS,))


def test_whole_numbers_at_the_end_of_a_row_with_decimal_commas_are_not_all_of_it() -> None:
    (person,) = read_csv(b"Ada;0,5;-1,5E-3;1;2;3;4;5;6;7;8\n", name="members.csv").people
    assert person.vectors == ([0.5, -1.5e-3, 1, 2, 3, 4, 5, 6, 7, 8],)


def test_points_and_commas_in_one_row_are_refused_with_the_reason() -> None:
    text = "name;a;b;c;d;e;f;g;h\nAda;1,5;" + ";".join(f"{number}.5" for number in range(7)) + "\n"
    with pytest.raises(PeopleError, match="row 1 has no name or no vector") as refused:
        read_csv(text.encode(), name="members.csv")
    assert "a decimal comma" in refused.value.fix


@pytest.mark.parametrize("text", ["", "name,vector\n", f"name,vector\n,{ROW}\n", "Ada,1,2\nBob,3,4\n", f"{ROW},Ada\n"])
def test_rows_without_name_or_numbers_are_refused(text: str) -> None:
    with pytest.raises(PeopleError, match=r"members\.csv: "):
        read_csv(text.encode(), name="members.csv")
