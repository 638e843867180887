"""Networks of model packs that do not tell people apart are refused; those that nobody measured are warned of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from config.errors import ModelError
from config.findings import Outcome
from config.settings import Precision, Settings
from models import packs
from models.cards import Accuracy, PackPrecision
from models.catalog import CATALOG, SFACE_EMBEDDING, Pixels
from models.embedding import Crop, Embedding, Limits
from models.model_folder import Source
from tests.faulty_network import faulty_embedder
from tracker.identity.accuracy import check_accuracy, require_accurate
from tracker.identity.gallery import Gallery
from tracker.identity.networks import engine_of
from tracker.vision.embedders import SFACE, EmbedderSpec, of_pack

Make = Callable[..., EmbedderSpec]
POOR = Embedding(crop=Crop(side=24, margin=0), limits=(Limits(people=None, max_distance=1.0, stranger_distance=1.2),))
"""R-Net as an embedder: of every face it says that it is one."""
NOBODY = Gallery.empty()


@pytest.fixture
def settings(models_folder: Path) -> Settings:
    given = Settings()
    models = given.models.model_copy(update={"dir": models_folder, "threads": 1})
    return given.model_copy(update={"models": models})


@pytest.fixture
def make(models_folder: Path, tmp_path: Path) -> Make:
    """The embedder of a pack: SFace under another name, or R-Net."""

    def make(*, good: bool, figures: tuple[tuple[str, float], ...] = ()) -> EmbedderSpec:
        network = "sface" if good else "rnet"
        spec = CATALOG[network]
        content = (models_folder / spec.file_name(Precision.FLOAT16)).read_bytes()
        accuracy = [
            Accuracy(precision=PackPrecision.FLOAT16, dataset="a test", measure=measure, value=value)
            for measure, value in figures
        ]
        pack = packs.create(
            tmp_path / "pack",
            name="ours",
            purpose="a test",
            pixels=spec.pixels or Pixels(channels="RGB"),
            embedding=SFACE_EMBEDDING if good else POOR,
            dimension=128 if good else 4,
            contents={PackPrecision.FLOAT16: content},
            source=Source(package="", version="", file=network, sha256="a" * 64),
            licence="MIT",
            accuracy=accuracy,
            force=True,
        )
        return of_pack(pack)

    return make


def check(embedder: EmbedderSpec, settings: Settings, enrolled: Gallery = NOBODY) -> None:
    require_accurate(embedder, settings, enrolled, engine=engine_of(settings, embedder, thorough=False))


def test_networks_of_the_catalog_need_no_check(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    check(SFACE, settings)
    assert caplog.text == ""


def test_a_good_network_without_figures_is_warned_of(
    make: Make, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    check(make(good=True), settings)
    assert "ours: nobody measured its accuracy" in caplog.text


@pytest.mark.parametrize("measure", ["TAR at FAR 0.0.1", "TAR at FAR e-3", "TAR at FAR -"])
def test_a_figure_that_is_no_rate_does_not_count(
    measure: str, make: Make, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    check(make(good=True, figures=((measure, 0.1),)), settings)
    assert "ours: nobody measured its accuracy" in caplog.text


def test_a_network_that_confuses_two_portraits_is_refused(
    make: Make, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ModelError, match="portraits of two people are 0") as caught:
        check(make(good=False), settings)
    assert "recognition.embedder" in caught.value.fix
    recognition = settings.recognition.model_copy(update={"accept_inaccurate": True})
    check(make(good=False), settings.model_copy(update={"recognition": recognition}))
    assert "ours does not tell people apart" in caplog.text


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        pytest.param((("TAR at FAR 0.01", 0.2),), "recognises 20% of faces", id="low"),
        pytest.param((("TAR at FAR 0.01", 0.9), ("TAR at FAR 0.01", 0.3)), "recognises 30%", id="one-precision-low"),
        pytest.param((("TAR at FAR 0.01", 0.9), ("TAR at FAR 0.0001", 0.1)), None, id="low-only-at-a-stricter-rate"),
        pytest.param((("TAR at FAR 0.001", 0.8),), None, id="good"),
    ],
)
def test_figures_decide(
    figures: tuple[tuple[str, float], ...],
    words: str | None,
    make: Make,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    embedder = make(good=True, figures=figures)
    if words is None:
        check(embedder, settings)
        assert caplog.text == ""
        return
    with pytest.raises(ModelError, match=words):
        check(embedder, settings)


def test_a_limit_within_which_two_portraits_match_is_refused(make: Make, settings: Settings) -> None:
    match = settings.match.model_copy(update={"max_distance": 1.6, "stranger_distance": 1.7})
    match.model_fields_set.update({"max_distance", "stranger_distance"})
    with pytest.raises(ModelError, match=r"portraits of two people are 1\.\d+ apart; the limit is 1\.6"):
        check(make(good=True), settings.model_copy(update={"match": match}))


def test_a_figure_at_a_high_rate_does_not_count(make: Make, settings: Settings) -> None:
    with pytest.raises(ModelError, match="portraits"):
        check(make(good=False, figures=(("TAR at FAR 0.1", 0.99), ("accuracy", 0.99))), settings)


def people(apart: float, count: int = 5) -> Gallery:
    vectors = np.eye(count, 128, dtype=np.float32) * np.float32(apart / np.sqrt(2))
    return Gallery.of(vectors, [f"p-{number}" for number in range(count)])


def test_enrolled_people_who_are_too_near_each_other_are_refused(make: Make, settings: Settings) -> None:
    embedder = make(good=True, figures=(("TAR at FAR 0.01", 0.9),))
    check(embedder, settings, people(1.2))
    with pytest.raises(ModelError, match="10 of 10 pairs of different enrolled people are within the limit"):
        check(embedder, settings, people(0.9))


FAMILIES = {
    "two-people": [{0, 1}],
    "twins-among-three": [{0, 1}, {2}],
    "twins-among-four": [{0, 1}, {2}, {3}],
    "triplets-among-four": [{0, 1, 2}, {3}],
    "two-pairs-among-five": [{0, 1}, {2, 3}, {4}],
}


def families(*groups: set[int]) -> Gallery:
    """People of whom those of a group are 0.5 apart, and others farther than any limit."""
    count = sum(map(len, groups))
    vectors = np.eye(count, 128, dtype=np.float32) * np.float32(0.5 / np.sqrt(2))
    for number, group in enumerate(groups):
        vectors[list(group), 64 + number] = 1
    return Gallery.of(vectors, [f"p-{number}" for number in range(count)])


@pytest.mark.parametrize("groups", FAMILIES.values(), ids=FAMILIES)
def test_a_few_who_look_alike_are_warned_of_by_name(
    groups: list[set[int]], make: Make, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    embedder = make(good=True, figures=(("TAR at FAR 0.01", 0.9),))
    names = {"p-0": "Bob", "p-1": "Ben"}
    enrolled = families(*groups)
    require_accurate(embedder, settings, enrolled, names=names)
    assert "ours may confuse Bob and Ben" in caplog.text
    found = check_accuracy(settings, enrolled, engine_of(settings, embedder, thorough=False), names=names)
    assert found is not None
    assert (found.outcome, found.fix) == (Outcome.WARNING, "footfall people calibrate")
    assert "Bob and Ben" in found.detail


def test_look_alikes_within_the_allowed_share_are_not_warned_of(
    make: Make, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    embedder = make(good=True, figures=(("TAR at FAR 0.01", 0.9),))
    check(embedder, settings, families({0, 1}, {2}, {3}, {4}, {5}))
    assert caplog.text == ""


@pytest.mark.parametrize("count", [3, 4, 8])
def test_a_network_that_confuses_everybody_is_refused(count: int, make: Make, settings: Settings) -> None:
    embedder = make(good=True, figures=(("TAR at FAR 0.01", 0.9),))
    with pytest.raises(ModelError, match="pairs of different enrolled people are within"):
        check(embedder, settings, people(0.9, count=count))


def test_many_people_of_whom_a_third_cannot_be_told_apart_are_enough(make: Make, settings: Settings) -> None:
    embedder = make(good=True, figures=(("TAR at FAR 0.01", 0.9),))
    with pytest.raises(ModelError, match="135 of 435 pairs"):
        check(embedder, settings, families(*(set(range(start, start + 10)) for start in (0, 10, 20))))


def test_a_network_without_a_finite_vector_of_a_portrait_is_refused(
    models_folder: Path, tmp_path: Path, settings: Settings
) -> None:
    with pytest.raises(ModelError, match="it gives no finite vector for a portrait"):
        check(faulty_embedder(models_folder, tmp_path / "pack"), settings)
