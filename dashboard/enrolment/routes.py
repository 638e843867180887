"""What the page of enrolment asks for while pictures are taken: JSON below /enrol/, for those who may enrol people.

A picture is looked at in memory and dropped; of a shot only the vector, the quality and the pose are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import flask
from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from config.errors import FootfallError, ModelError, PictureError, StoreError
from config.recognition import DetectSettings
from dashboard.access.identity import current_user, require
from dashboard.enrolment.recognition import BusyError, Recognition
from dashboard.enrolment.running import Enrolment, Enrolments, GoneError
from dashboard.enrolment.words import HINTS, POSES, quality_words
from dashboard.wording import sentence
from tracker.store.users import UserRole

if TYPE_CHECKING:
    from tracker.identity.shots import Look, Shot

MAX_PICTURE_BYTES = 5_000_000
_MAX_FRAME_PIXELS = 2_000_000
_LONGEST_NAME = 80
_HINT_DETECTION = DetectSettings(min_face=32)
"""In the page; a face that is smaller is too far away for a hint."""
_STATUS: tuple[tuple[type[FootfallError], int], ...] = (
    (GoneError, 404),
    (PictureError, 422),
    (BusyError, 503),
    (ModelError, 503),
    (StoreError, 503),
)


def owner() -> str:
    """Whose enrolments this request may use."""
    user = current_user()
    return "" if user is None else user.name


def register(
    server: flask.Flask, recognition: Recognition, enrolments: Enrolments, *, hints_here: Callable[[], bool]
) -> None:
    """Add the addresses to `server`. hints_here: whether a worker of the page can give the hints."""
    server.register_blueprint(_Routes(recognition, enrolments, hints_here).blueprint)


class _Routes:
    def __init__(self, recognition: Recognition, enrolments: Enrolments, hints_here: Callable[[], bool]) -> None:
        self._recognition = recognition
        self._hints_here = hints_here
        self._enrolments = enrolments
        self.blueprint = flask.Blueprint("enrolment", __name__, url_prefix="/enrol")
        self.blueprint.before_request(lambda: require(UserRole.DESK))
        self.blueprint.register_error_handler(FootfallError, _refuse)
        self.blueprint.register_error_handler(RequestEntityTooLarge, _refuse_large)
        for path, view, method in (
            ("/begin", self.begin, "POST"),
            ("/recognition", self.readiness, "GET"),
            ("/hints", self.hints, "GET"),
            ("/<enrolment_id>/frames", self.frame, "POST"),
            ("/<enrolment_id>/pictures", self.picture, "POST"),
            ("/<enrolment_id>/shots/<int:number>", self.remove, "DELETE"),
            ("/<enrolment_id>", self.end, "DELETE"),
        ):
            self.blueprint.add_url_rule(path, view.__name__, view, methods=[method])

    def begin(self) -> Any:
        """Begin an enrolment; `person` in the body: the id of somebody who gets more pictures."""
        given = request.get_json(silent=True)
        person_id = given.get("person") if isinstance(given, dict) else None
        self._recognition.prepare()
        enrolment = self._enrolments.begin(owner(), person_id=person_id if isinstance(person_id, str) else "")
        return {"enrolment": enrolment.enrolment_id}

    def readiness(self) -> Any:
        """Whether pictures can be looked at."""
        found = self._recognition.prepare()
        problem, fix = (sentence(found.problem), sentence(found.fix)) if found.problem else ("", "")
        return {"state": found.state, "problem": problem, "fix": fix}

    def hints(self) -> Any:
        """What a worker of the page needs to give the hints: their words and settings; nothing where there is none."""
        if not self._hints_here():
            return {}
        from tracker.identity.enrolment_faces import ENROL_QUALITY

        settings = {"detect": _HINT_DETECTION.model_dump(mode="json"), "quality": ENROL_QUALITY.model_dump(mode="json")}
        return {"words": dict(HINTS), "settings": settings}

    def frame(self, enrolment_id: str) -> Any:
        """Look at a frame of the camera, which is the body, and keep a shot of it if it is wanted."""
        enrolment, content = self._enrolments.get(enrolment_id, owner()), _body()
        with self._recognition.engine() as engine:
            from tracker.identity.pictures import decode_picture
            from tracker.identity.shots import look

            network = engine.embedder.network
            image = decode_picture(content, name="the frame", max_pixels=_MAX_FRAME_PIXELS)
            found = look(image, engine, enrolment.taken(network))
            shot = _kept(enrolment, found.shot, network)
        return {"hint": found.hint, "words": HINTS[found.hint], "faces": _faces(found), "shot": shot}

    def picture(self, enrolment_id: str) -> Any:
        """Keep a shot of a picture that somebody chose, which is the body; `name`: of its file."""
        enrolment, content = self._enrolments.get(enrolment_id, owner()), _body()
        name = request.args.get("name", "")[:_LONGEST_NAME] or "the picture"
        with self._recognition.engine() as engine:
            from tracker.identity.pictures import decode_picture
            from tracker.identity.shots import look_at_picture

            network = engine.embedder.network
            image = decode_picture(content, name=name)
            found = look_at_picture(image, engine, enrolment.taken(network), name=name)
            shot = _kept(enrolment, found.shot, network)
        return {"faces": _faces(found), "shot": shot}

    def remove(self, enrolment_id: str, number: int) -> Any:
        """Drop a shot."""
        self._enrolments.get(enrolment_id, owner()).remove({number})
        return {}

    def end(self, enrolment_id: str) -> Any:
        """Cancel the enrolment: all its shots are dropped."""
        self._enrolments.end(enrolment_id, owner())
        return {}


def _body() -> bytes:
    """Raises RequestEntityTooLarge."""
    request.max_content_length = MAX_PICTURE_BYTES
    return request.get_data(cache=False)


def _kept(enrolment: Enrolment, shot: Shot | None, network: str) -> dict[str, Any] | None:
    if shot is None:
        return None
    number = enrolment.add(shot, network)
    return {"number": number, "quality": quality_words(shot.quality), "pose": POSES[shot.pose], "side": shot.pose}


def _faces(found: Look) -> Sequence[dict[str, Any]]:
    """Boxes and landmarks in px of the frame."""
    return [
        {"box": [round(value, 1) for value in box], "points": [[round(x, 1), round(y, 1)] for x, y in points]}
        for box, points in zip(found.faces.boxes.tolist(), found.faces.landmarks.tolist(), strict=True)
    ]


def _refuse(error: FootfallError) -> Any:
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 409)
    return {"problem": sentence(error.problem), "fix": sentence(error.fix), "retry": error.retryable}, status


def _refuse_large(_error: RequestEntityTooLarge) -> Any:
    limit = f"at most {MAX_PICTURE_BYTES // 1_000_000} MB are read"
    return {"problem": f"The picture is too large: {limit}.", "fix": "Scale the picture down.", "retry": False}, 413
