"""Cards of model packs: what is refused, what tells vectors apart, and how they are printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.errors import ModelError
from models import pack_installation, packs
from models.packs import Pack
from tests.models.packs import edited, problem_of, run, source


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda card: card.update(extra=1), "extra: Extra inputs", id="unknown-field"),
        pytest.param(lambda card: card.update(format="tfjs"), "the format is tfjs", id="format"),
        pytest.param(lambda card: card.update(embedding=None), "an embedder needs", id="no-embedding"),
        pytest.param(lambda card: card.update(dimension=5), "vectors of 5 numbers", id="dimension"),
        pytest.param(lambda card: card.update(kind="detector"), "of the kind detector; only embedders", id="detector"),
        pytest.param(lambda card: card.update(name="sface"), "no network named sface", id="other-name"),
        pytest.param(lambda card: card.update(files=[]), "no network named ours", id="no-files"),
        pytest.param(
            lambda card: card.update(kind="attribute"), "of the kind attribute; only embedders", id="attribute"
        ),
        pytest.param(lambda card: card["files"][0].update(name="../x"), "not in the folder itself", id="path"),
        pytest.param(lambda card: card["files"][1].update(name="D:x"), "not in the folder itself", id="drive"),
        pytest.param(
            lambda card: card["files"][1].update(name="a\0b"),
            "control character U+0000",
            id="null-byte",
        ),
        pytest.param(lambda card: card["files"][0].update(sha256="0" * 64), "damaged", id="hash"),
        pytest.param(lambda card: card["input"].update(shape=[None, 30, 30, 3]), "not the crop of 24", id="shape"),
        pytest.param(lambda card: card["input"]["pixels"].update(divisor=0), "must not be 0", id="divisor"),
        pytest.param(lambda card: card["input"]["pixels"].update(channels="grey"), "not grey as", id="grey"),
        pytest.param(lambda card: card["input"]["pixels"].update(dtype="uint8"), "not RGB as uint8", id="uint8"),
        pytest.param(lambda card: card["embedding"].update(min_limit=3.0), "smaller than min_limit", id="min-limit"),
        pytest.param(
            lambda card: card["embedding"].update(
                distance="cosine", limits=[{"people": None, "max_distance": 2.5, "stranger_distance": 3.0}]
            ),
            "limits must be below 2",
            id="cosine",
        ),
        pytest.param(
            lambda card: card["embedding"].update(
                limits=[{"people": None, "max_distance": 2.0, "stranger_distance": 3.0}]
            ),
            "give cosine as the distance",
            id="long-vectors",
        ),
        pytest.param(lambda card: card.update(licence="\x1b[2J"), "licence: the control character U+001B", id="escape"),
        pytest.param(lambda card: card.update(purpose="x" * 100_000), "more than 100 kB", id="long"),
        pytest.param(
            lambda card: card["embedding"]["limits"][0].update(max_distance=10**400), "max_distance", id="huge"
        ),
        pytest.param(
            lambda card: card["accuracy"].append(
                {"precision": "float16", "dataset": "ours", "measure": "TAR at FAR 0.01", "value": 97.5}
            ),
            "accuracy.0.value",
            id="per-cent",
        ),
        pytest.param(lambda card: card["embedding"]["crop"].update(margin=20), "more than half", id="margin"),
        pytest.param(lambda card: card["embedding"]["crop"].update(template=[[1, 1]] * 5), "either", id="two-crops"),
        pytest.param(
            lambda card: card["embedding"]["crop"].update(template=[[1, 1]] * 5, margin=None), "left eye", id="template"
        ),
        pytest.param(lambda card: card["embedding"].update(limits=[]), "ascending numbers", id="no-limits"),
        pytest.param(
            lambda card: card["embedding"]["limits"][0].update(stranger_distance=0.5), "not be smaller", id="limits"
        ),
    ],
)
def test_bad_cards_are_refused(
    change: Callable[[dict[str, Any]], object], words: str, make: Callable[..., Pack], tmp_path: Path
) -> None:
    done = run("add", edited(make(), change), "--models", tmp_path / "models")
    assert words in problem_of(done)
    assert packs.installed(tmp_path / "models") == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("sface", "is the name of a network", id="built-in"),
        pytest.param("Ours", "cannot be the name", id="capital"),
        pytest.param("../x", "cannot be the name", id="path"),
        pytest.param("a@b", "cannot be the name", id="at"),
    ],
)
def test_names_that_packs_cannot_have(name: str, words: str, make: Callable[..., Pack]) -> None:
    with pytest.raises(ModelError, match=words):
        make(name)


@pytest.mark.parametrize(
    ("change", "changes"),
    [
        pytest.param(lambda card: card["source"].update(sha256="b" * 64), True, id="weights"),
        pytest.param(lambda card: card["embedding"]["crop"].update(margin=5), True, id="crop"),
        pytest.param(lambda card: card["embedding"].update(distance="cosine"), True, id="distance"),
        pytest.param(lambda card: card["input"]["pixels"].update(channels="BGR"), True, id="channels"),
        pytest.param(lambda card: card["input"]["pixels"].update(offset=0.0), True, id="scaling"),
        pytest.param(lambda card: card["embedding"]["limits"][0].update(max_distance=0.5), False, id="limits"),
        pytest.param(lambda card: card.update(footfall_version="9", licence="CC0-1.0"), False, id="licence"),
    ],
)
def test_the_id_of_vectors_tells_what_makes_them(
    change: Callable[[dict[str, Any]], object], changes: bool, make: Callable[..., Pack]
) -> None:
    made = make()
    assert (packs.read(edited(made, change)).network != made.network) == changes


def test_the_pack_of_a_network_of_footfall_is_not_added(models_folder: Path, tmp_path: Path) -> None:
    run("export", "rnet", "--format", "pack", "--out", tmp_path, "--models", models_folder)
    refused = problem_of(run("add", tmp_path / "rnet", "--models", tmp_path / "models"))
    assert "rnet is a network that Footfall has, and needs no pack; run 'footfall models build'" in refused


def test_the_lines_of_a_card_say_of_which_galleries_the_limits_are(models_folder: Path) -> None:
    shown = run("show", "sface", "--models", models_folder).stdout
    assert "limits up to 100 people " in shown
    assert "limits above 100 people " in shown


def test_brackets_in_a_card_are_printed_as_they_are(make: Callable[..., Pack], tmp_path: Path) -> None:
    models, strange = tmp_path / "models", source().model_copy(update={"file": "[/x].h5"})
    pack_installation.install(make(source=strange, licence="[bold]MIT[/]").folder, models)
    shown = run("show", "ours", "--models", models)
    assert (shown.exit_code, "[bold]MIT[/]" in shown.stdout) == (0, True)
    assert "[/x].h5" in run("list", "--models", models).stdout


def test_a_text_of_several_lines_makes_no_pack(make: Callable[..., Pack]) -> None:
    with pytest.raises(ModelError, match="the card of ours: licence: the control character U\\+000A"):
        make(licence="MIT\nof ours")
