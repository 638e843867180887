"""A month at a simulated gym, written through the public store: members, staff, strangers, two cameras."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from tracker.presence.events import CameraRef, Event, EventKind
from tracker.presence.health import CameraHealth, CameraState
from tracker.presence.people import Person, PersonKind, Role
from tracker.presence.room import Presence
from tracker.store.observation import Observation
from tracker.store.store import Store

SITE = "gym"
MEMBERS = (
    "Ada Brandt", "Björn Ólafsson", "Chiara Ricci", "Dmitri Volkov", "Elif Demir", "Farid Haddad", "Grace Okafor",
    "Hanna Weiß", "Ignacio Pérez", "Jun Tanaka", "Katarzyna Wójcik", "Liam Murphy", "Mireille Dubois", "Nikos Pappas",
    "Oluwaseun Adeyemi-Richardson", "Priya Raman", "Quentin Faure", "Rosa Silva", "Sanne de Vries", "Tomáš Novák",
)  # fmt: skip
STAFF = ("Vera Lindqvist", "Wim Peeters")
AT_THE_DESK = "Xenia Petrova"
"""Staff who is in while the course is, so that a peak with staff is never that without."""
VISITORS = 9
COURSE = 12
"""As many strangers more come every day at ten, all at once: the busiest hour whatever the dice say."""
HOUR_WEIGHTS = {6: 2, 7: 5, 8: 6, 9: 4, 10: 3, 11: 4, 12: 6, 13: 4, 14: 2, 15: 3, 16: 5, 17: 9, 18: 11, 19: 8, 20: 4}


def midday_zone(now: datetime) -> str:
    """A time zone in which it is early afternoon, so that `today` has hours on both sides whenever tests run."""
    ahead = (14 - now.astimezone(UTC).hour + 24) % 24
    ahead = ahead if ahead <= 14 else ahead - 24
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/UTC"


def people(created_at: datetime) -> list[Person]:
    """Members and staff, enrolled with consent."""
    names = [(name, Role.MEMBER) for name in MEMBERS] + [(name, Role.STAFF) for name in (*STAFF, AT_THE_DESK)]
    return [
        Person(person_id=f"p-{number:012x}", name=name, created_at=created_at, role=role, consented_at=created_at)
        for number, (name, role) in enumerate(names)
    ]


def visitors(created_at: datetime) -> list[Person]:
    """Strangers who were given a number."""
    return [
        Person(person_id=f"v-{number:010x}", name=f"Visitor {number}", created_at=created_at, kind=PersonKind.VISITOR)
        for number in range(1, VISITORS + COURSE + 1)
    ]


def event(
    kind: EventKind, person_id: str, at: datetime, *, inferred: bool = False, camera: str = "front-door"
) -> Event:
    """One event of this site; the track is named after its camera and time."""
    return Event(
        kind=kind,
        site_id=SITE,
        camera_id=camera,
        person_id=person_id,
        at=at,
        track_id=f"{camera}-{person_id}",
        inferred=inferred,
        x_frac=0.5,
        y_frac=0.5,
    )


def fill(store: Store, *, now: datetime, zone: ZoneInfo, days: int = 30, seed: int = 7) -> None:
    """Write the month that ends at `now`; who came less than an hour ago is mostly still in."""
    dice = random.Random(seed)
    created_at = now - timedelta(days=days)
    for person in people(created_at):
        store.people.add(person, np.zeros((1, 128), np.float32))
    strangers = visitors(created_at)
    open_: list[Presence] = []
    events: list[Event] = []
    everybody = [person.person_id for person in (*people(created_at)[:-1], *strangers[:VISITORS])]
    course = [stranger.person_id for stranger in strangers[VISITORS:]]
    daily = _daily(people(created_at)[-1].person_id, course, now, zone, days)
    for entered, left, person_id in (*daily, *_stays(everybody, now, zone, days, dice)):
        camera = "front-door" if dice.random() < 0.8 else "free-weights"
        events.append(event(EventKind.ENTER, person_id, entered, camera=camera))
        if left < now - timedelta(seconds=40):
            events.append(event(EventKind.EXIT, person_id, left, inferred=dice.random() < 0.05, camera=camera))
        else:
            open_.append(_presence(person_id, entered, now, camera))
    store.record(
        Observation(events=events, visitors=[(person, np.zeros((1, 128), np.float32)) for person in strangers])
    )
    for camera in ("front-door", "free-weights"):
        mine = [presence for presence in open_ if presence.camera_id == camera]
        store.record(Observation(camera=CameraRef(SITE, camera), presences=mine, health=health(camera, now)))
    store.record(
        Observation(
            health=health(
                "garage", now - timedelta(minutes=2), state=CameraState.LOST, problem="no answer from 10.0.0.7"
            )
        )
    )


def health(
    camera: str, at: datetime, *, state: CameraState = CameraState.LIVE, problem: str | None = None
) -> CameraHealth:
    """What an agent reports about a camera."""
    return CameraHealth(
        site_id=SITE,
        camera_id=camera,
        source=f"rtsp://10.0.0.7/{camera}",
        state=state,
        started_at=at - timedelta(hours=7),
        updated_at=at,
        last_frame_at=at,
        fps=12.4 if state is CameraState.LIVE else 0.0,
        frames=310_000,
        problem=problem,
    )


def open_store(path: Path) -> Store:
    """A new store at `path`."""
    return Store(path).open()


def _presence(person_id: str, entered: datetime, now: datetime, camera: str) -> Presence:
    return Presence(
        site_id=SITE,
        camera_id=camera,
        person_id=person_id,
        track_id=f"{camera}-{person_id}",
        entered_at=entered,
        seen_at=now,
        x_frac=0.4,
        y_frac=0.6,
    )


def _daily(
    desk: str, course: list[str], now: datetime, zone: ZoneInfo, days: int
) -> Iterator[tuple[datetime, datetime, str]]:
    """(entered, left, person) of what is the same every day: the desk from seven to four, the course from ten on."""
    today = now.astimezone(zone).date()
    for back in range(days - 1, -1, -1):
        seven, ten, eleven, four = (
            datetime.combine(today - timedelta(days=back), time(hour), zone).astimezone(UTC) for hour in (7, 10, 11, 16)
        )
        if seven < now:
            yield seven, four, desk
        if ten < now:
            yield from ((ten, eleven, person_id) for person_id in course)


def _stays(
    everybody: list[str], now: datetime, zone: ZoneInfo, days: int, dice: random.Random
) -> Iterator[tuple[datetime, datetime, str]]:
    """(entered, left, person), nobody twice at once."""
    hours, weights = zip(*HOUR_WEIGHTS.items(), strict=True)
    today = now.astimezone(zone).date()
    for back in range(days - 1, -1, -1):
        day = today - timedelta(days=back)
        share = 0.5 if day.weekday() >= 5 else 0.75
        for person_id in everybody:
            if dice.random() > share * (0.25 if person_id.startswith("v-") else 1.0):
                continue
            hour = dice.choices(hours, weights)[0]
            entered = datetime.combine(day, time(hour, dice.randrange(60), dice.randrange(60)), zone).astimezone(UTC)
            minutes = min(max(dice.lognormvariate(4.05, 0.5), 3), 260)
            if entered >= now:
                continue
            if dice.random() < 0.12:
                pause = entered + timedelta(minutes=minutes * 0.6)
                yield entered, pause, person_id
                entered = pause + timedelta(minutes=3)
                minutes *= 0.4
            yield entered, entered + timedelta(minutes=minutes), person_id
