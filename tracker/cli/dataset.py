"""`footfall dataset`: folders of pictures with which a recognition network is taught or tested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from config.errors import PictureError
from tracker.cli.command import command
from tracker.cli.lines import explained, replacing, write_list
from tracker.cli.options import NoStoreModels, UsageError
from tracker.cli.output import Result, Table, note
from tracker.cli.terminal import with_progress
from tracker.identity.networks import load_engine
from tracker.reports.text import count_text

if TYPE_CHECKING:
    from tracker.dataset.check import Check
    from tracker.dataset.crops import Cut
    from tracker.dataset.examination import ExaminedPicture
    from tracker.dataset.folders import Dataset
    from tracker.identity.shots import ShotEngine
    from tracker.reports.sheets import Column, Row

_BOX_SIZE: Final = 160
_BOX_MARGIN: Final = 32
_NAMES_SHOWN: Final = 10
FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder that holds, for each person, a folder of pictures.")
]
MultiOption = Annotated[bool, typer.Option("--multi", help="Of several faces in a picture, the widest counts.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class CropOptions:
    """How faces are cropped. size, margin: px, None for the defaults, which depend on the template."""

    template: Annotated[
        str | None,
        typer.Option(
            "--template",
            metavar="NAME",
            help="Align by five landmarks instead of the box: arcface (112 px) or dlib (150 px).",
        ),
    ] = None
    size: Annotated[
        int | None,
        typer.Option(
            "--size", min=16, max=1024, help=f"Side of a crop in px. Default: {_BOX_SIZE}, or that of the template."
        ),
    ] = None
    margin: Annotated[
        int | None,
        typer.Option(
            "--margin", min=0, help=f"Px of a crop around the box, half on each side. Default: {_BOX_MARGIN}."
        ),
    ] = None

    def cut(self) -> Cut:
        """The function that crops. Raises UsageError for options that contradict each other."""
        from tracker.dataset.crops import Template, by_box, by_landmarks

        if self.template is None:
            size, margin = self.size or _BOX_SIZE, _BOX_MARGIN if self.margin is None else self.margin
            if margin > size // 2:
                raise UsageError(
                    f"--margin {margin} leaves too little of --size {size} for the face",
                    fix=f"give a margin of at most {size // 2}",
                )
            return by_box(size, margin)
        require_one_margin(self.template, self.margin)
        if self.template not in list(Template):
            raise UsageError(f"--template: unknown name {self.template[:40]!r}", fix=f"use {' or '.join(Template)}")
        return by_landmarks(Template(self.template), self.size)


def require_one_margin(template: str | None, margin: int | None) -> None:
    """Raises UsageError for a margin beside a template."""
    if template is not None and margin is not None:
        raise UsageError("--margin has no effect with --template", fix="leave one out: the template has a margin")


@command("footfall dataset check people/", "footfall dataset check people/ --html sheet.html --csv pictures.csv")
def check(
    folder: FolderArgument,
    access: NoStoreModels,
    multi: MultiOption = False,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE.csv", help="Write a line for each picture to a file.")
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE.html", help="Write a contact sheet: one page with all pictures in it."),
    ] = None,
) -> Result:
    """Check which pictures of a dataset are fit to teach or test a network.

    The rules are those of enrolment. Listed are pictures that cannot be read, without a face or with several, with a
    face that is too small, dark or blurred, duplicates, near-duplicates, and those that show somebody else.
    """
    from tracker.dataset.check import COLUMNS
    from tracker.dataset.contact_sheet import contact_sheet

    _require_suffix(csv, "--csv", ".csv")
    _require_suffix(html, "--html", ".html")
    found = _checked(folder, access, multi=multi)
    if csv is not None:
        _write_csv(csv, COLUMNS, found.rows())
    if html is not None:
        _write(html, contact_sheet(found))
    nothing = PictureError(
        f"{folder}: no picture is good enough", fix="give sharp, bright pictures, each of one person"
    )
    return Result(
        document=found.document(),
        parts=[
            *(f"{found.dataset.name_of(each.path)}: {each.reason}" for each in found.findings),
            _summary(found),
        ],
        notes=_notes(found),
        failure=None if found.good else nothing,
    )


@command("footfall dataset align people/ --to faces/", "footfall dataset align people/ --to faces/ --template arcface")
def align(
    folder: FolderArgument,
    to: Annotated[Path, typer.Option("--to", metavar="OUT", help="Folder to write to, apart from DIR.")],
    access: NoStoreModels,
    crop: CropOptions,
    multi: MultiOption = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that differ.")] = False,
) -> Result:
    """Write a crop of each face, as PNG in the same folders.

    Crops are squares around the detected box with a margin, or aligned by five landmarks. Pictures that 'dataset check'
    lists are skipped, except near-duplicates. Files that are there already are left alone: nothing is written twice.
    """
    from tracker.dataset.crops import Written, places, write_crop
    from tracker.dataset.folders import read_dataset, require_apart

    cut = crop.cut()
    dataset = read_dataset(folder)
    planned = places(dataset.people, to)
    require_apart(folder, to, planned.values())
    found = _checked(folder, access, multi=multi)
    used = [each for each in found.pictures if not each.refused]
    counts = Counter(
        write_crop(each, planned[each.path], cut, force=force)
        for each in with_progress(used, "Cropping", total=len(used))
    )
    skipped = len(found.pictures) - len(used)
    different = counts[Written.DIFFERENT]
    failure = None
    if not used:
        failure = PictureError(f"{folder}: no picture is good enough", fix="'footfall dataset check' lists the reasons")
    elif different:
        failure = PictureError(
            f"{different} files in {to} differ from these crops", fix="give another folder, or --force to replace them"
        )
    written, there = counts[Written.NEW], counts[Written.UP_TO_DATE]
    return Result(
        document={
            "written": written,
            "up_to_date": there,
            "different": different,
            "skipped": skipped,
            "problems": found.problems,
        },
        parts=[
            f"{count_text(written, 'crop')} written to {to}, {there:,} there already",
            f"{count_text(skipped, 'picture')} skipped",
        ],
        notes=["note: 'footfall dataset check' lists why pictures are skipped"] if skipped else [],
        failure=failure,
    )


@command(
    "footfall dataset split people/ --to halves/",
    "footfall dataset split people/ --csv split.csv --by picture --test 0.3",
)
def split(
    folder: FolderArgument,
    access: NoStoreModels,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="OUT", help="Folder to write train/ and test/ to, apart from DIR."),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE.csv", help="Write the split as a list; enough without --to.")
    ] = None,
    test: Annotated[float, typer.Option("--test", min=0.01, max=0.99, help="Share of the test.")] = 0.2,
    by: Annotated[
        str,
        typer.Option(
            "--by",
            metavar="WHAT",
            help="person: nobody is in both parts. picture: the pictures of each person are divided.",
        ),
    ] = "person",
    seed: Annotated[int, typer.Option("--seed", help="Another number gives another split.")] = 0,
    link: Annotated[bool, typer.Option("--link/--copy", help="Write symbolic links instead of copies.")] = False,
) -> Result:
    """Divide a dataset into pictures to teach a network and pictures to test it.

    The same names and seed give the same split on every machine. With --by picture, near-duplicates stay in one part.
    """
    from tracker.dataset.folders import read_dataset, require_apart
    from tracker.dataset.split import COLUMNS, By, Part, rows, split_people, split_pictures, write_split

    if to is None and csv is None:
        raise UsageError("nothing to write", fix="give --to OUT for folders, --csv FILE for a list, or both")
    if by not in list(By):
        raise UsageError(f"--by: unknown word {by[:40]!r}", fix=f"use {' or '.join(By)}")
    _require_suffix(csv, "--csv", ".csv")
    dataset = read_dataset(folder)
    if to is not None:
        require_apart(folder, to)
    if by == By.PERSON:
        parts = split_people(dataset, test, seed)
    else:
        engine = load_engine(access.load())
        parts = split_pictures(dataset, _examined(dataset, engine), engine.embedder.embedding.new_view, test, seed)
    listed = rows(dataset, parts)
    new = 0 if to is None else write_split(dataset, parts, to, link=link)
    if csv is not None:
        _write_csv(csv, COLUMNS, listed)
    people = {part: len({row["person"] for row in listed if row["set"] == part}) for part in Part}
    counts = Counter(parts.values())
    return Result(
        document={
            **{part.value: {"people": people[part], "pictures": counts[part]} for part in Part},
            "written": new,
            "pictures": listed,
        },
        parts=[
            f"{part}: {count_text(counts[part], 'picture')} of {count_text(people[part], 'person', 'people')}"
            for part in Part
        ],
        notes=[] if to is None else [f"{count_text(new, 'file')} written to {to}, {len(parts) - new:,} there already"],
    )


def _checked(folder: Path, access: NoStoreModels, *, multi: bool) -> Check:
    from tracker.dataset.check import check as checked
    from tracker.dataset.folders import read_dataset

    dataset, settings = read_dataset(folder), access.load()
    engine = load_engine(settings)
    return checked(dataset, _examined(dataset, engine, multi=multi), engine.embedder, settings.match)


def _examined(dataset: Dataset, engine: ShotEngine, *, multi: bool = True) -> list[ExaminedPicture]:
    from tracker.dataset.examination import examine

    pictures = list(dataset.pictures())
    return [
        examine(person, path, engine, multi=multi)
        for person, path in with_progress(pictures, "Reading pictures", total=len(pictures))
    ]


def _summary(found: Check) -> Table:
    rows: list[tuple[str, object]] = [
        ("people", f"{len(found.dataset.people):,}"),
        ("pictures", f"{len(found.pictures):,}"),
        ("good", f"{found.good.total():,}"),
        *((f"  {problem}", f"{count:,}") for problem, count in found.problems.items()),
        ("people with fewer than 2 good pictures", f"{len(found.few):,}"),
    ]
    return Table.of(["figure", "value"], rows)


def _notes(found: Check) -> list[str]:
    notes = [
        f"note: {each.first} and {each.second} look like one person (distance {each.distance:.2f})"
        for each in found.alike
    ]
    if found.few:
        notes.append(f"note: fewer than 2 good pictures: {_some(found.few)}")
    if found.dataset.ignored:
        names = [found.dataset.name_of(path) for path in found.dataset.ignored]
        notes.append(f"note: not read, since they are no pictures in the folder of a person: {_some(names)}")
    return notes


def _some(names: list[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _require_suffix(path: Path | None, option: str, suffix: str) -> None:
    """Raises UsageError for a file of another kind, which may be a picture."""
    if path is not None and path.suffix.lower() != suffix:
        raise UsageError(f"{option}: {path.name[:80]!r} does not end in {suffix}", fix=f"write {option} list{suffix}")


def _write_csv(path: Path, columns: Iterable[Column], rows: Iterable[Row]) -> None:
    write_list(path, list(columns), list(rows))
    note(f"wrote {path}")


def _write(path: Path, parts: Iterable[str]) -> None:
    """Write a text, completely or not at all; names that are no text are escaped. Raises FootfallError."""
    with (
        replacing(path) as beside,
        explained(path),
        beside.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file,
    ):
        file.writelines(parts)
    note(f"wrote {path}")
