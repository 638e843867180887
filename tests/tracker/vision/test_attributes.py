"""Expression and age of real faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.recognition import DetectSettings, QualitySettings
from config.settings import ModelSettings, Precision
from tests.tracker.vision.scenes import TESTDATA, astronaut, clip_frames, grace_hopper
from tracker.presence.audience import LABELS, Attribute, label_of
from tracker.vision.attributes import AttributeReader
from tracker.vision.engine import FaceEngine
from tracker.vision.faces import Faces, Image

HAPPY, NEUTRAL = LABELS[Attribute.EXPRESSION].index("happy"), LABELS[Attribute.EXPRESSION].index("neutral")


@pytest.fixture(scope="module")
def engine(every_model: Path) -> FaceEngine:
    return FaceEngine.load(
        models=ModelSettings(dir=every_model, precision=Precision.FLOAT16),
        detect=DetectSettings(),
        quality=QualitySettings(),
    )


@pytest.fixture(scope="module")
def expression(every_model: Path) -> AttributeReader:
    return AttributeReader("expression", folder=every_model, precision=Precision.FLOAT16)


@pytest.fixture(scope="module")
def age(every_model: Path) -> AttributeReader:
    return AttributeReader("age", folder=every_model, precision=Precision.FLOAT16)


def face(engine: FaceEngine, image: Image) -> Faces:
    return engine.detect(image).take([0])


def test_the_astronaut_smiles_and_the_admiral_does_not(engine: FaceEngine, expression: AttributeReader) -> None:
    smiling, serious = astronaut(), grace_hopper()
    (smile,) = expression.read(smiling, face(engine, smiling))
    (calm,) = expression.read(serious, face(engine, serious))
    assert smile[HAPPY] > 0.95
    assert calm[NEUTRAL] > 0.6
    assert calm[HAPPY] < 0.1
    assert smile.sum() == pytest.approx(1, abs=1e-3)


def test_the_admiral_is_old_and_the_astronaut_is_not(engine: FaceEngine, age: AttributeReader) -> None:
    """Grace Hopper was 77, Eileen Collins half as old."""
    young, old = astronaut(), grace_hopper()
    assert label_of(Attribute.AGE, age.read(old, face(engine, old))[0].tolist()) == "65 and over"
    assert label_of(Attribute.AGE, age.read(young, face(engine, young))[0].tolist()) in {"18-34", "35-49"}


@pytest.mark.skipif(TESTDATA is None, reason="FOOTFALL_TESTDATA names no folder with clips")
def test_a_man_who_smiles_is_happy_in_every_frame(engine: FaceEngine, expression: AttributeReader) -> None:
    frames = [frame for _, frame in clip_frames(Path(str(TESTDATA)), "man_d_nodding.gif", 12)]
    looks = [expression.read(frame, face(engine, frame))[0] for frame in frames]
    assert len(looks) > 4
    assert min(look[HAPPY] for look in looks) > 0.8


def test_faces_are_read_together_as_alone(
    engine: FaceEngine, expression: AttributeReader, age: AttributeReader
) -> None:
    image = np.hstack([astronaut()[:512], grace_hopper()[:512]])
    found = engine.detect(image)
    assert len(found) == 2
    for reader, classes in ((expression, 7), (age, 81)):
        both = reader.read(image, found)
        assert both.shape == (2, classes)
        for row in (0, 1):
            assert abs(reader.read(image, found.take([row]))[0] - both[row]).max() < 1e-5
        assert reader.read(image, found.take([])).shape == (0, classes)


def test_the_labels_are_those_that_are_counted(expression: AttributeReader, age: AttributeReader) -> None:
    assert expression.labels == LABELS[Attribute.EXPRESSION]
    assert [int(label) for label in age.labels] == list(range(81))


def test_a_network_without_labels_is_refused(every_model: Path) -> None:
    with pytest.raises(ValueError, match="sface"):
        AttributeReader("sface", folder=every_model, precision=Precision.FLOAT16)
