"""`footfall camera preview`: lines and zones as in the settings, and people by their bodies."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.tracker.cli.conftest import Run
from tests.tracker.vision.scenes import astronaut

SETTINGS = """
[[camera]]
id = "door"
source = "frames"
role = "door"
line = [[0.25, 0.5], [0.75, 0.5]]
inside = "below"
[[camera]]
id = "hall"
source = "frames"
zones = {{ weights = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]], bikes = [[0.5, 0], [1, 0], [1, 1]] }}
[[camera]]
id = "half"
source = "frames"
region = [0.5, 0.0, 1.0, 0.5]
[[camera]]
id = "gone"
source = "{gone}"
"""


@pytest.fixture
def here(tmp_path: Path, run: Run) -> Path:
    here = Path.cwd()
    (here / "frames").mkdir()
    cv2.imwrite(str(here / "frames" / "1.png"), np.full((201, 401, 3), 128, np.uint8))
    (here / "footfall.toml").write_text(SETTINGS.format(gone=here / "gone.mp4"))
    return here


def colour(path: Path, x_frac: float, y_frac: float) -> str:
    """The strongest of blue, green and red at a place, grey where they are about equal."""
    image = cv2.imread(str(path))
    assert image is not None
    pixel = image[round(y_frac * 200), round(x_frac * 400)].astype(int)
    return "grey" if np.ptp(pixel) < 20 else ("blue", "green", "red")[int(pixel.argmax())]


def test_a_door_has_its_line_and_an_arrow_inwards(run: Run, here: Path) -> None:
    done = run("camera", "preview", "--camera", "door", "--out", "door.png")
    assert done.code == 0, done.err
    assert done.out.startswith("wrote door.png: door, door; around the line 0 people found, the smallest ")
    out = here / "door.png"
    assert [colour(out, x, 0.5) for x in (0.2, 0.3, 0.7, 0.8)] == ["grey", "red", "red", "grey"]
    assert (colour(out, 0.5, 0.55), colour(out, 0.5, 0.45)) == ("green", "grey")
    assert (colour(out, 0.5, 0.61), colour(out, 0.5, 0.66)) == ("green", "grey")


def test_a_door_has_the_people_and_the_smallest_who_is_found(run: Run, here: Path) -> None:
    frame = np.full((720, 1280, 3), 128, np.uint8)
    frame[100:612, 300:812] = astronaut()
    cv2.imwrite(str(here / "frames" / "1.png"), frame)
    done = run("camera", "preview", "--camera", "door", "--out", "door.png")
    assert "around the line 1 person found, the smallest that will be found is 144 px tall" in done.out
    drawn = cv2.imread("door.png")
    assert drawn is not None
    green, blue = (74, 163, 22), (235, 99, 37)  # blue, green, red
    found, smallest = (np.argwhere((drawn == colour).all(axis=2)) for colour in (green, blue))
    assert np.abs(found[:, 1].min() - 306) < 25, "the left edge of the person, who is tall enough"
    assert np.ptp(smallest[:, 0]) == pytest.approx(144, abs=3)
    assert smallest[:, 0].max() == pytest.approx(360, abs=3), "it is on the line"


def test_a_door_is_drawn_without_people_where_their_network_is_missing(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    done = run("camera", "preview", "--camera", "door", "--out", "door.png", "--models", here / "none")
    assert (done.code, done.out) == (0, "wrote door.png: door, door\n")
    assert "footfall models add bodies" in done.err
    assert colour(here / "door.png", 0.3, 0.5) == "red"


def test_a_room_has_the_people_where_bodies_are_counted(run: Run, here: Path) -> None:
    frame = np.full((720, 1280, 3), 128, np.uint8)
    frame[100:612, 300:812] = astronaut()
    cv2.imwrite(str(here / "frames" / "1.png"), frame)
    (here / "footfall.toml").write_text("[[camera]]\nid = 'hall'\nsource = 'frames'\n")
    assert run("camera", "preview", "--out", "hall.png").out.endswith(
        "hall, room; 1 person found, the smallest that will be found is 144 px tall\n"
    )
    (here / "footfall.toml").write_text("[[camera]]\nid = 'hall'\nsource = 'frames'\ncount = 'faces'\n")
    assert run("camera", "preview", "--out", "faces.png").out == "wrote faces.png: hall, room\n"


def test_a_room_has_its_zones_tinted(run: Run, here: Path) -> None:
    assert run("camera", "preview", "--camera", "hall", "--out", "hall.jpg").code == 0
    out = here / "hall.jpg"
    assert (colour(out, 0.1, 0.2), colour(out, 0.9, 0.2), colour(out, 0.6, 0.9)) == ("blue", "red", "grey")


def brightness(path: Path, x_frac: float, y_frac: float) -> int:
    image = cv2.imread(str(path))
    assert image is not None
    return int(image[round(y_frac * 200), round(x_frac * 400)].mean())


def test_the_frame_is_dark_outside_the_region(run: Run, here: Path) -> None:
    assert run("camera", "preview", "--camera", "half", "--out", "half.png").code == 0
    out = here / "half.png"
    assert [brightness(out, *at) for at in ((0.6, 0.1), (0.95, 0.45))] == [128, 128]
    assert max(brightness(out, *at) for at in ((0.4, 0.1), (0.6, 0.6), (0.1, 0.9))) < 50


def test_the_region_of_all_cameras_holds_where_a_camera_has_none(run: Run, here: Path) -> None:
    with (here / "footfall.toml").open("a") as file:
        file.write("[detect]\nregion = [0, 0, 0.25, 1]\n")
    assert run("camera", "preview", "--camera", "door", "--out", "door.png").code == 0
    assert run("camera", "preview", "--camera", "half", "--out", "half.png").code == 0
    assert (brightness(here / "door.png", 0.1, 0.9), brightness(here / "half.png", 0.9, 0.1)) == (128, 128)
    assert max(brightness(here / "door.png", 0.9, 0.9), brightness(here / "half.png", 0.1, 0.1)) < 50


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param(("--out", "a.png"), 2, "name one", id="which-camera"),
        pytest.param(("--camera", "attic", "--out", "a.png"), 2, "no camera named 'attic'", id="unknown-camera"),
        pytest.param(("--camera", "door", "--out", "a.txt"), 2, "not a picture format", id="no-picture"),
        pytest.param(("--camera", "door", "--out", "no/a.png"), 1, "cannot be written", id="no-such-folder"),
        pytest.param(("--camera", "gone", "--out", "a.png"), 1, "gone.mp4", id="no-such-recording"),
    ],
)
def test_invalid_previews_are_refused(run: Run, here: Path, words: tuple[str, ...], code: int, message: str) -> None:
    run("camera", "preview", *words).refused(message, code=code)
    assert not (here / "a.png").exists()


def test_settings_without_a_camera_are_reported(run: Run, here: Path) -> None:
    (here / "footfall.toml").write_text("")
    run("camera", "preview", "--out", "a.png").refused("no camera in the settings", code=2)
    (here / "footfall.toml").write_text("[[camera]]\nid = 'only'\nsource = 'frames'\n")
    assert run("camera", "preview", "--out", "a.png").code == 0
