"""Model packs: written, added from a folder or a .zip, verified, exported, removed."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from config.errors import ModelError
from config.settings import Precision
from models import pack_installation, packs
from models.cards import CARD, Accuracy, PackPrecision
from models.embedding import Crop, Embedding, Limits
from models.model_folder import LICENCES
from models.packs import Pack
from models.runtime import open_pack
from tests.models.packs import EMBEDDING, edited, problem_of, run, source
from tracker.vision.embedders import known_embedders


def test_a_pack_is_read_as_it_was_written(make: Callable[..., Pack]) -> None:
    figure = Accuracy(precision=PackPrecision.FLOAT32, dataset="12 people", measure="TAR at FAR 0.01", value=0.9)
    made = make(accuracy=[figure])
    read = packs.read(made.folder)
    assert read == made
    assert read.card.accuracy == (figure,)
    assert re.fullmatch(r"ours@[0-9a-f]{12}", read.network)
    assert read.precisions == (PackPrecision.FLOAT16, PackPrecision.FLOAT32)
    assert (made.folder / LICENCES).read_text(encoding="utf-8") == "ours (MIT)\n"
    packs.verify(read)


def test_distances_that_are_not_given_are_shares_of_the_limit() -> None:
    tight = Embedding(
        crop=Crop(side=24, margin=0), limits=(Limits(people=None, max_distance=0.5, stranger_distance=0.6),)
    )
    assert (tight.min_margin, tight.full_margin, tight.min_limit, tight.max_limit) == (0.03, 0.125, 0.35, 0.6)
    own = EMBEDDING.model_dump() | {"new_view": 0.123}
    assert Embedding.model_validate(own).new_view == 0.123


@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
def test_add_list_show_verify_remove(
    zipped: bool, make: Callable[..., Pack], models_folder: Path, tmp_path: Path
) -> None:
    models, made = tmp_path / "models", make()
    shutil.copytree(models_folder, models)
    path = made.folder
    if zipped:
        path = tmp_path / "ours.zip"
        pack_installation.write_zip(made, path)
    added = run("add", path, "--models", models)
    assert added.exit_code == 0, added.output
    assert 'recognition.embedder = "ours"' in added.stdout
    assert "ours (float16, float32) is there already" in run("add", path, "--models", models).stdout
    rows = json.loads(run("list", "--json", "--models", models).stdout)
    assert [(row["name"], row["state"], row["network"]) for row in rows if "network" in row] == [
        ("ours", "ok", made.network)
    ]
    assert "ours" in run("list", "--models", models).stdout
    shown = run("show", "ours", "--models", models).stdout
    assert "24 px, by the box, margin 4 px" in shown
    assert "weights.h5" in shown
    assert json.loads(run("show", "ours", "--json", "--models", models).stdout)["dimension"] == 4
    assert run("verify", "--models", models).exit_code == 0
    assert run("remove", "ours", "--models", models).exit_code == 0
    assert packs.installed(models) == []
    assert "no model pack named 'ours'" in problem_of(run("remove", "ours", "--models", models))


def test_show_of_a_built_in_network(models_folder: Path) -> None:
    shown = run("show", "sface", "--models", models_folder).stdout
    assert "limits up to 100 people  same person up to 1.05" in shown
    assert "Apache-2.0" in shown


def test_other_weights_under_the_same_name_need_force(make: Callable[..., Pack], tmp_path: Path) -> None:
    models, made = tmp_path / "models", make()
    pack_installation.install(made.folder, models)
    other = make(source=source("b"), force=True)
    with pytest.raises(ModelError, match="another pack named ours"):
        pack_installation.install(other.folder, models)
    assert packs.installed(models)[0].network == made.network
    pack_installation.install(other.folder, models, force=True)
    assert packs.installed(models)[0].network == other.network != made.network


def test_another_card_of_the_same_weights_needs_force(make: Callable[..., Pack], tmp_path: Path) -> None:
    models, made = tmp_path / "models", make()
    pack_installation.install(made.folder, models)
    nearer = edited(made, lambda card: card["embedding"]["limits"][0].update(max_distance=0.5))
    with pytest.raises(ModelError, match="ours is there already, with another card"):
        pack_installation.install(nearer, models)
    assert pack_installation.install(nearer, models, force=True).card.embedding.limits[0].max_distance == 0.5  # type: ignore[union-attr]
    with pytest.raises(ModelError, match="there already, in float16, float32") as caught:
        pack_installation.install(nearer, models, precision=PackPrecision.FLOAT32)
    assert "people stay enrolled" in caught.value.fix


def test_another_crop_of_the_same_weights_makes_another_pack(make: Callable[..., Pack], tmp_path: Path) -> None:
    models, made = tmp_path / "models", make()
    pack_installation.install(made.folder, models)
    wider = edited(made, lambda card: card["embedding"]["crop"].update(margin=6))
    with pytest.raises(ModelError, match="whose vectors do not compare") as caught:
        pack_installation.install(wider, models)
    assert "people must be enrolled again" in caught.value.fix


def test_a_damaged_pack_is_not_taken_for_the_same_one(make: Callable[..., Pack], tmp_path: Path) -> None:
    models, made = tmp_path / "models", make()
    (pack_installation.install(made.folder, models).folder / "ours-float16.tflite").write_bytes(b"half")
    with pytest.raises(ModelError, match=r"ours-float16\.tflite: damaged"):
        pack_installation.install(made.folder, models)
    packs.verify(pack_installation.install(made.folder, models, force=True))


def test_a_zip_is_written_as_a_whole_or_not_at_all(make: Callable[..., Pack], tmp_path: Path) -> None:
    made, path = make(), tmp_path / "out" / "ours.zip"
    pack_installation.write_zip(made, path)
    before = path.read_bytes()
    (made.folder / "ours-float32.tflite").unlink()
    with pytest.raises(ModelError, match="cannot be written"):
        pack_installation.write_zip(made, path)
    assert (path.read_bytes(), list(path.parent.iterdir())) == (before, [path])


def test_one_precision_is_kept(make: Callable[..., Pack], tmp_path: Path) -> None:
    pack = pack_installation.install(make().folder, tmp_path / "models", precision=PackPrecision.FLOAT32)
    assert pack.precisions == (PackPrecision.FLOAT32,)
    assert not (pack.folder / "ours-float16.tflite").exists()
    image = np.random.default_rng(5).random((1, 24, 24, 3), np.float32)
    only = open_pack(pack, precision=Precision.FLOAT16, threads=1)  # the one that it has
    assert only.run(image)[0].shape == (1, 4)
    with pytest.raises(ModelError, match="no network in int8"):
        pack_installation.install(make(force=True).folder, tmp_path / "other", precision=PackPrecision.INT8)


def _zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def _misnamed(path: Path) -> Path:
    """A .zip whose file has a name that is not UTF-8, although it is said to be."""
    _zip(path, {"é.json": b"{}"})
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xff"))
    return path


def _undeflatable(path: Path) -> Path:
    """A .zip whose file begins with a block of a type that deflate does not have."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("card.json", b"{}" * 100)
    content = bytearray(path.read_bytes())
    content[30 + len("card.json")] = 0xFF
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("build", "words"),
    [
        pytest.param(lambda path: path / "missing", "does not exist", id="missing"),
        pytest.param(lambda path: path, "it has no card.json", id="empty-folder"),
        pytest.param(lambda path: _zip(path / "a.zip", {}), "it has no card.json", id="empty-zip"),
        pytest.param(
            lambda path: _zip(path / "a.zip", {"a/card.json": b"{}", "b/c": b""}),
            "files of one folder",
            id="two-folders",
        ),
        pytest.param(lambda path: _zip(path / "a.zip", {"../card.json": b"[]"}), "card.json", id="outside"),
        pytest.param(lambda path: _zip(path / "a.zip", {"C:card.json": b"[]"}), "files of one folder", id="drive"),
        pytest.param(lambda path: _zip(path / "a.zip", {"card.json": b"[]"}), "a.zip/card.json", id="named-by-zip"),
        pytest.param(lambda path: _undeflatable(path / "a.zip"), "cannot be unpacked", id="damaged"),
        pytest.param(lambda path: _misnamed(path / "a.zip"), "cannot be unpacked", id="damaged-name"),
        pytest.param(lambda path: _zip(path / "a.zip", {f"{n}": b"" for n in range(40)}), "more than 32", id="many"),
    ],
)
def test_what_is_no_pack(build: Callable[[Path], Path], words: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    assert words in problem_of(run("add", build(tmp_path / "in"), "--models", tmp_path / "models"))
    assert not (tmp_path / "card.json").exists()


def test_a_text_file_is_no_pack(tmp_path: Path) -> None:
    (tmp_path / "ours.zip").write_text("not a zip", encoding="utf-8")
    assert "neither a folder nor a .zip" in problem_of(
        run("add", tmp_path / "ours.zip", "--models", tmp_path / "models")
    )


def test_damage_is_noticed(make: Callable[..., Pack], models_folder: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(models_folder, models)
    pack = pack_installation.install(make().folder, models)
    (pack.folder / "ours-float16.tflite").write_bytes(b"half")
    assert "ours-float16.tflite: damaged" in problem_of(run("verify", "--models", models))
    assert "damaged" in run("list", "--models", models).stdout
    with pytest.raises(ModelError, match=r"ours-float16\.tflite: damaged"):
        open_pack(pack, precision=Precision.FLOAT16, threads=1)


def test_a_damaged_card_does_not_hide_the_others(
    make: Callable[..., Pack], models_folder: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    shutil.copytree(models_folder, models)
    for name in ("mine", "ours", "theirs"):
        pack_installation.install(make(name).folder, models)
    (models / packs.FOLDER / "ours" / CARD).write_text("{", encoding="utf-8")
    (models / packs.FOLDER / "theirs").rename(models / packs.FOLDER / "hers")
    rows = {row["name"]: row for row in json.loads(run("list", "--json", "--models", models).stdout)}
    assert {name: rows[name]["state"] for name in ("mine", "ours", "hers")} == {
        "mine": "ok", "ours": "damaged", "hers": "damaged",
    }  # fmt: skip
    assert "Invalid JSON" in rows["ours"]["problem"]
    assert "is named theirs" in rows["hers"]["problem"]
    assert "Invalid JSON" in run("list", "--models", models).stdout
    assert "rename the folder to theirs" in problem_of(run("verify", "--models", models))
    assert [spec.name for spec in known_embedders(models)] == ["sface", "dlib_resnet", "mine"]
    assert run("remove", "ours", "--models", models).exit_code == 0


def test_options_that_an_added_pack_does_not_have(
    make: Callable[..., Pack], models_folder: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    shutil.copytree(models_folder, models)
    pack_installation.install(make().folder, models)
    export = ("export", "ours", "--out", tmp_path / "out", "--models", models)
    done = run(*export, "--format", "pack", "--precision", "float16")
    assert (done.exit_code, (tmp_path / "out").exists()) == (2, False)
    assert "ours cannot be exported as onnx" in problem_of(run(*export, "--format", "onnx"))


def test_packs_go_along_with_an_exported_folder(make: Callable[..., Pack], models_folder: Path, tmp_path: Path) -> None:
    models, box = tmp_path / "models", tmp_path / "box"
    shutil.copytree(models_folder, models)
    made = pack_installation.install(make().folder, models)
    done = run("export", "--out", box, "--models", models)
    assert "and 1 model pack" in done.stdout
    assert [pack.network for pack in packs.installed(box)] == [made.network]
    done = run("export", "ours", "--format", "pack", "--zip", "--out", tmp_path / "out", "--models", models)
    assert done.exit_code == 0, done.output
    assert pack_installation.install(tmp_path / "out" / "ours.zip", tmp_path / "third").network == made.network


@pytest.mark.parametrize("setting", ["embedder", "shadow"])
def test_the_pack_of_the_settings_is_not_removed(setting: str, make: Callable[..., Pack], tmp_path: Path) -> None:
    models, settings = tmp_path / "models", tmp_path / "footfall.toml"
    pack_installation.install(make().folder, models)
    settings.write_text(f'[recognition]\n{setting} = "ours"\n', encoding="utf-8")
    done = run("remove", "ours", "--models", models, "--settings", settings)
    assert f"recognition.{setting} is ours" in problem_of(done)
    assert len(packs.installed(models)) == 1
