"""What holds for every action: roles, one entry in the audit trail, all or nothing, undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from config.errors import FootfallError, NotAllowedError, PeopleError, RecordError
from config.recognition import MatchSettings
from config.settings import CameraSettings, Counting, Settings, SiteSettings
from tests.tracker.actions.conftest import ACTORS, ADMIN, DESK, NOW, SITE, Gym, ago, event, vector
from tests.tracker.review.places import RULES
from tracker.actions import (
    devices,
    display_links,
    enrolment,
    events,
    gallery,
    negatives,
    people,
    reassigning,
    recognition,
    review,
    users,
    visits,
)
from tracker.actions.actor import Actor
from tracker.actions.negatives import Faces
from tracker.actions.undo import OPERATIONS, can_undo, undo, words
from tracker.identity.enrolment_checks import EnrolmentChecks
from tracker.presence.events import OPERATOR, Event, EventKind
from tracker.presence.people import Consent, Person, Role
from tracker.review.doubts import DoubtfulVisit
from tracker.store.people_copy import PersonCopy
from tracker.store.users import User, UserRole
from tracker.vision.embedders import SFACE

Act = Callable[[Gym, Actor], object]
FACES = [Faces(vectors=vector(9), sources=("sister.jpg",), reach=0.5)]
ADDED = Event(
    kind=EventKind.EXIT, site_id=SITE, camera_id=OPERATOR, person_id="p-ada", at=ago(5), track_id=OPERATOR
)  # fmt: skip
AGREED = Consent(at=ago(1), version="2", by="Ann")
SETTINGS = Settings(
    site=SiteSettings(id=SITE), camera=(CameraSettings(id="lobby", source="0", count=Counting.FACES),)
)  # fmt: skip
ZOE = Person(person_id="p-zoe", name="Zoe", created_at=ago(0), consented_at=ago(0))

CHECKS = EnrolmentChecks(settings=MatchSettings())
ZOE_COPY = PersonCopy(
    person=ZOE, former_ids=("v-0000000009",), faces=(vector(5), ("shot 1",)), negatives=(vector(8), ("sister.jpg",)),
    limit=0.5,
)  # fmt: skip


def device_id(gym: Gym) -> str:
    return gym.store.devices.all()[0].device_id


def doubtful(gym: Gym) -> DoubtfulVisit:
    """Ada's visit that is over, as a doubtful one."""
    (match,) = gym.store.matches.select(person_id="p-ada")
    visit = next(each for each in gym.store.sessions.select(site_id=SITE, now=NOW) if each.session_id == gym.over)
    person = people.require(gym.store, "p-ada")
    return DoubtfulVisit(person=person, visit=visit, match=match, doubt=0.5, limit=1.0, matches=(match,))


ACTS: dict[str, Act] = {
    "events.void": lambda gym, actor: events.void(gym.store, actor, [event("exit", 240).event_id]),
    "events.restore": lambda gym, actor: events.restore(gym.store, actor, [event("exit", 240).event_id]),
    "events.add": lambda gym, actor: events.add(gym.store, actor, ADDED, reason="by the fire door"),
    "visits.mark_left": lambda gym, actor: visits.mark_left(
        gym.store, actor, site_id=SITE, person_id="p-ada", at=ago(10)
    ),
    "visits.void": lambda gym, actor: visits.void(gym.store, actor, site_id=SITE, session_id=gym.over),
    "visits.add": lambda gym, actor: visits.add(
        gym.store, actor, site_id=SITE, person_id="p-bob", entered_at=ago(50), left_at=ago(20)
    ),
    "visits.move": lambda gym, actor: visits.move(
        gym.store, actor, site_id=SITE, session_id=gym.over, entered_at=ago(310), left_at=ago(200)
    ),
    "visits.reassign": lambda gym, actor: reassigning.reassign(
        gym.store, actor, site_id=SITE, session_id=gym.over, to="p-bob", embedder=lambda: SFACE
    ),
    "people.not": lambda gym, actor: negatives.mark(gym.store, actor, "p-ada", FACES),
    "people.not_clear": lambda gym, actor: negatives.clear(gym.store, actor, "p-ada"),
    "people.enrol": lambda gym, actor: enrolment.enrol(gym.store, actor, ZOE, vector(5), sources=["shot 1"]),
    "people.add_pictures": lambda gym, actor: enrolment.add_pictures(
        gym.store, actor, "p-ada", vector(6), consent=AGREED, sources=["shot 1"]
    ),
    "people.import": lambda gym, actor: gallery.import_gallery(gym.store, actor, [ZOE_COPY], CHECKS),
    "people.rename": lambda gym, actor: people.rename(gym.store, actor, "p-ada", "Ada Lovelace"),
    "people.profile": lambda gym, actor: people.edit_profile(
        gym.store, actor, "p-ada", name="Ada Lovelace", groups=["Yoga", " Morning  course"]
    ),
    "people.edit": lambda gym, actor: people.edit(
        gym.store, actor, "p-ada", role=Role.STAFF, access=False, validity=(None, date(2026, 12, 31)), consented=True
    ),
    "people.name": lambda gym, actor: people.name_visitors(gym.store, actor, ["v-0000000001"], "the plumber"),
    "people.merge": lambda gym, actor: people.merge(gym.store, actor, "v-0000000001", "p-bob"),
    "people.forget": lambda gym, actor: people.forget(gym.store, actor, "p-ada", erase_history=True),
    "display.link": lambda gym, actor: display_links.add(gym.store, actor, "door"),
    "display.revoke": lambda gym, actor: display_links.revoke(gym.store, actor, "door"),
    "devices.add": lambda gym, actor: devices.add(gym.store, SETTINGS, actor, "Old phone"),
    "devices.rename": lambda gym, actor: devices.rename(gym.store, actor, device_id(gym), "New phone"),
    "devices.revoke": lambda gym, actor: devices.revoke(gym.store, SETTINGS, actor, device_id(gym)),
    "review.ignore": lambda gym, actor: review.ignore_visitors(gym.store, actor, ["v-0000000001"]),
    "review.confirm": lambda gym, actor: review.confirm(gym.store, actor, [doubtful(gym)], RULES),
    "recognition.limits": lambda gym, actor: recognition.set_limits(gym.store, actor, {"p-ada": 0.5, "p-bob": 0.6}),
    "recognition.network": lambda gym, actor: recognition.replace_network(
        gym.store, actor, "dlib", {"p-ada": (vector(7), ["ada.jpg"])}, people=["p-ada", "p-bob"]
    ),
    "users.add": lambda gym, actor: users.add(gym.store, actor, "Zoe", UserRole.DESK, "hash"),
    "users.remove": lambda gym, actor: users.remove(gym.store, actor, "BEN"),
    "users.password": lambda gym, actor: users.set_password(gym.store, actor, "ben", "other"),
    "users.own_password": lambda gym, actor: users.set_password(gym.store, actor, actor.name, "other"),
    "users.sign_out": lambda gym, actor: users.sign_out_everywhere(gym.store, actor, "ben"),
    "users.own_sign_out": lambda gym, actor: users.sign_out_everywhere(gym.store, actor, actor.name.upper()),
    "review.merge": lambda gym, actor: review.merge_visitors(gym.store, actor, ["v-0000000001", "v-0000000002"]),
}
"""An example of each action, by its name in the audit trail."""
FAILING: dict[str, Act] = {
    "void-twice": lambda gym, actor: events.void(gym.store, actor, [event("exit", 240).event_id, "nosuchid"]),
    "add-twice": lambda gym, actor: events.add(gym.store, actor, event("exit", 240)),
    "not-in": lambda gym, actor: visits.mark_left(gym.store, actor, site_id=SITE, person_id="p-bob"),
    "left-before-entering": lambda gym, actor: visits.mark_left(
        gym.store, actor, site_id=SITE, person_id="p-ada", at=ago(70)
    ),
    "left-in-the-future": lambda gym, actor: visits.mark_left(
        gym.store, actor, site_id=SITE, person_id="p-ada", at=ago(-1)
    ),
    "no-link": lambda gym, actor: display_links.revoke(gym.store, actor, "door"),
    "no-device": lambda gym, actor: devices.revoke(gym.store, SETTINGS, actor, "d-1"),
    "device-under-a-taken-camera-id": lambda gym, actor: devices.add(
        gym.store, SETTINGS, actor, "Phone", camera_id="lobby"
    ),
    "device-under-no-camera-id": lambda gym, actor: devices.add(gym.store, SETTINGS, actor, "Phone", camera_id="a b"),
    "no-visit": lambda gym, actor: visits.void(gym.store, actor, site_id=SITE, session_id="nosuchid"),
    "other-site": lambda gym, actor: visits.void(gym.store, actor, site_id="pool", session_id=gym.over),
    "two-at-once": lambda gym, actor: visits.add(
        gym.store, actor, site_id=SITE, person_id="p-ada", entered_at=ago(250), left_at=ago(220)
    ),
    "backwards": lambda gym, actor: visits.add(
        gym.store, actor, site_id=SITE, person_id="p-bob", entered_at=ago(20), left_at=ago(50)
    ),
    "into-the-next": lambda gym, actor: visits.move(
        gym.store, actor, site_id=SITE, session_id=gym.over, left_at=ago(30)
    ),
    "to-themselves": lambda gym, actor: reassigning.reassign(
        gym.store, actor, site_id=SITE, session_id=gym.over, to="p-ada", embedder=lambda: SFACE
    ),
    "to-nobody-known": lambda gym, actor: reassigning.reassign(
        gym.store, actor, site_id=SITE, session_id=gym.over, to="p-zoe", embedder=lambda: SFACE
    ),
    "own-face": lambda gym, actor: negatives.mark(
        gym.store, actor, "p-ada", [*FACES, Faces(vectors=vector(0), sources=("ada.jpg",), reach=0.5)]
    ),
    "taken-name": lambda gym, actor: people.rename(gym.store, actor, "p-ada", "BOB"),
    "long-group": lambda gym, actor: people.edit_profile(gym.store, actor, "p-ada", name="Ada", groups=["x" * 61]),
    "many-groups": lambda gym, actor: people.edit_profile(
        gym.store, actor, "p-ada", name="Ada", groups=[str(number) for number in range(21)]
    ),
    "ends-before-it-begins": lambda gym, actor: people.edit(
        gym.store, actor, "p-ada", validity=(date(2026, 2, 1), date(2026, 1, 31))
    ),
    "visitor-as-staff": lambda gym, actor: people.edit(gym.store, actor, "v-0000000001", role=Role.STAFF),
    "enrolled-visitor": lambda gym, actor: people.name_visitors(gym.store, actor, ["v-0000000001", "p-ada"], "Zoe"),
    "enrolled-without-consent": lambda gym, actor: enrolment.enrol(
        gym.store, actor, replace(ZOE, consented_at=None), vector(5)
    ),
    "enrolled-without-a-picture": lambda gym, actor: enrolment.enrol(gym.store, actor, ZOE, vector(5)[:0]),
    "enrolled-under-a-taken-name": lambda gym, actor: enrolment.enrol(
        gym.store, actor, replace(ZOE, name="ada"), vector(5)
    ),
    "pictures-without-consent": lambda gym, actor: enrolment.add_pictures(
        gym.store, actor, "p-ada", vector(6), consent=None
    ),
    "pictures-of-a-visitor": lambda gym, actor: enrolment.add_pictures(
        gym.store, actor, "v-0000000001", vector(6), consent=AGREED
    ),
    "merged-with-self": lambda gym, actor: people.merge(gym.store, actor, "p-ada", "p-ada"),
    "limit-of-nobody": lambda gym, actor: recognition.set_limits(gym.store, actor, {"p-ada": 0.5, "p-zoe": 0.6}),
    "network-of-nobody": lambda gym, actor: recognition.replace_network(
        gym.store, actor, "dlib", {"p-zoe": (vector(7), ["zoe.jpg"])}, people=["p-ada", "p-bob"]
    ),
    "no-user": lambda gym, actor: users.set_password(gym.store, actor, "Zoe", "other"),
    "merged-alone": lambda gym, actor: review.merge_visitors(gym.store, actor, ["v-0000000001"] * 2),
    "merged-as-visitors": lambda gym, actor: review.merge_visitors(gym.store, actor, ["v-0000000001", "p-bob"]),
    "ignored-member": lambda gym, actor: review.ignore_visitors(gym.store, actor, ["v-0000000001", "p-bob"]),
    "unknown": lambda gym, actor: people.forget(gym.store, actor, "p-zoe", erase_history=False),
    "novel": lambda gym, actor: events.void(gym.store, actor, [event("exit", 240).event_id], reason="n" * 501),
}
every_act = pytest.mark.parametrize("name", ACTS)
UNDONE = [name for name in ACTS if OPERATIONS[name].undo is not None]


def prepare(gym: Gym, name: str) -> None:
    """What must have happened before an action makes sense."""
    if name == "events.restore":
        events.void(gym.store, ADMIN, [event("exit", 240).event_id])
    if name == "display.revoke":
        display_links.add(gym.store, ADMIN, "door")
    if name in ("devices.rename", "devices.revoke"):
        devices.add(gym.store, SETTINGS, ADMIN, "Tablet")
    if name.startswith("users."):
        for user_name in ("Ben", *(actor.name for actor in ACTORS.values())):
            gym.store.users.add(User(name=user_name, role=UserRole.DESK, created_at=ago(9)), "hash")
            gym.store.users.sign_in(user_name, user_name, expires_at=ago(-9))
    if name == "recognition.limits":
        gym.store.people.replace_limits({"p-ada": 0.4})
    if name == "people.not_clear":
        negatives.mark(gym.store, ADMIN, "p-ada", FACES)
    if name == "review.merge":
        visitor = replace(people.require(gym.store, "v-0000000001"), person_id="v-0000000002", name="Visitor 2")
        gym.store.people.add(visitor, vector(3))


def test_every_operation_has_an_example() -> None:
    assert set(ACTS) == set(OPERATIONS)


@every_act
@pytest.mark.parametrize("role", UserRole)
def test_an_action_needs_its_role(gym: Gym, name: str, role: UserRole) -> None:
    prepare(gym, name)
    before, version = gym.state(), gym.store.version()
    if role.includes(OPERATIONS[name].least):
        ACTS[name](gym, ACTORS[role])
        assert gym.store.version() > version
        return
    with pytest.raises(NotAllowedError, match=f"needs the role {OPERATIONS[name].least}"):
        ACTS[name](gym, ACTORS[role])
    assert (gym.state(), gym.store.version()) == (before, version)


@every_act
def test_an_action_writes_one_entry_with_before_and_after(gym: Gym, name: str) -> None:
    prepare(gym, name)
    known = len(gym.store.audit.all())
    ACTS[name](gym, ADMIN)
    entry, *others = gym.store.audit.all()
    assert len(others) == known
    assert (entry.action, entry.actor, entry.role, entry.at) == (name, "Admin", UserRole.ADMIN, gym.now[0])
    assert entry.before != entry.after
    assert (entry.undoes, entry.undone_by) == (None, None)
    assert words(entry) == OPERATIONS[name].words
    if entry.subject_id:
        assert entry in gym.store.audit.about(entry.subject_kind, entry.subject_id)


@pytest.mark.parametrize("name", FAILING)
def test_an_action_that_fails_leaves_neither_a_change_nor_an_entry(gym: Gym, name: str) -> None:
    before, version = gym.state(), gym.store.version()
    with pytest.raises(FootfallError):
        FAILING[name](gym, ADMIN)
    assert (gym.state(), gym.store.version()) == (before, version)
    assert gym.store.audit.all() == []


def test_who_is_not_known_is_an_error_of_people_in_every_action(gym: Gym) -> None:
    for act in (
        FAILING["to-nobody-known"],
        lambda gym, actor: visits.add(gym.store, actor, site_id=SITE, person_id="p-zoe", entered_at=ago(50)),
        lambda gym, actor: negatives.mark(gym.store, actor, "p-zoe", FACES),
        lambda gym, actor: people.rename(gym.store, actor, "p-zoe", "Zoe"),
    ):
        with pytest.raises(PeopleError, match="nobody is known by this id"):
            act(gym, ADMIN)


@pytest.mark.parametrize("name", UNDONE)
def test_undo_restores_what_was_and_only_once(gym: Gym, name: str) -> None:
    prepare(gym, name)
    before, actor = gym.state(), ACTORS[OPERATIONS[name].least]
    ACTS[name](gym, actor)
    assert gym.state() != before
    (entry, *_) = gym.store.audit.all()
    assert can_undo(entry)
    undoing = undo(gym.store, actor, entry.audit_id)
    assert gym.state() == before
    latest, undone, *_ = gym.store.audit.all()
    assert (latest.audit_id, latest.undoes, latest.action) == (undoing, entry.audit_id, "undo")
    assert (undone.undone_by, can_undo(undone)) == (undoing, False)
    version = gym.store.version()
    with pytest.raises(RecordError, match=f"changed since by {actor.name}, so nothing is undone"):
        undo(gym.store, ADMIN, entry.audit_id)
    assert gym.store.version() == version


@pytest.mark.parametrize("name", sorted(set(ACTS) - set(UNDONE)))
def test_what_cannot_be_undone_says_so(gym: Gym, name: str) -> None:
    prepare(gym, name)
    ACTS[name](gym, ADMIN)
    (entry, *_) = gym.store.audit.all()
    assert not can_undo(entry)
    with pytest.raises(RecordError, match="cannot be undone"):
        undo(gym.store, ADMIN, entry.audit_id)


def test_undo_needs_the_role_of_the_change(gym: Gym) -> None:
    audit_id = people.rename(gym.store, DESK, "p-ada", "Ada Lovelace")
    with pytest.raises(NotAllowedError):
        undo(gym.store, ACTORS[UserRole.VIEWER], audit_id)
    with pytest.raises(RecordError, match="there is no change 99"):
        undo(gym.store, DESK, 99)


def test_what_somebody_changed_since_is_not_undone(gym: Gym) -> None:
    first = people.rename(gym.store, DESK, "p-ada", "Ada Lovelace")
    people.edit(gym.store, Actor("Ann", UserRole.ADMIN), "p-ada", role=Role.STAFF)
    with pytest.raises(RecordError, match="changed since by Ann, so nothing is undone"):
        undo(gym.store, DESK, first)
    void = events.void(gym.store, DESK, [event("exit", 240).event_id])
    events.restore(gym.store, Actor("Cy", UserRole.DESK), [event("exit", 240).event_id])
    with pytest.raises(RecordError, match="changed since by Cy"):
        undo(gym.store, DESK, void)
    marks = negatives.mark(gym.store, DESK, "p-bob", FACES)
    negatives.clear(gym.store, DESK, "p-bob")
    with pytest.raises(RecordError, match="changed since"):
        undo(gym.store, DESK, marks)


def test_undo_keeps_the_marks_of_other_people(gym: Gym) -> None:
    first = negatives.mark(gym.store, DESK, "p-ada", FACES)
    negatives.clear(gym.store, DESK, "p-ada")
    negatives.mark(gym.store, DESK, "p-bob", FACES)
    with pytest.raises(RecordError, match="changed since"):
        undo(gym.store, DESK, first)
    assert gym.store.people.negatives()[1] == ("p-bob",)


def test_undo_of_a_visit_keeps_the_marks_of_other_people(gym: Gym) -> None:
    audit_id = reassigning.reassign(
        gym.store, DESK, site_id=SITE, session_id=gym.over, to="p-bob", embedder=lambda: SFACE
    )
    negatives.clear(gym.store, DESK, "p-ada")
    negatives.mark(gym.store, DESK, "p-bob", FACES)
    undo(gym.store, DESK, audit_id)
    assert gym.store.people.negatives()[1] == ("p-bob",)
    assert gym.visits()[0][0] == "p-ada"


def test_consent_is_not_undone_once_there_are_faces(gym: Gym) -> None:
    gym.store.people.add(replace(ZOE, consented_at=None), vector(5)[:0])
    agreed = people.edit(gym.store, ADMIN, "p-zoe", consented=True)
    enrolment.add_pictures(gym.store, DESK, "p-zoe", vector(6), consent=Consent(at=ago(0), by="Ann"))
    with pytest.raises(RecordError, match="changed since"):
        undo(gym.store, ADMIN, agreed)
    assert people.require(gym.store, "p-zoe").consented_at is not None


def test_the_record_of_an_enrolment_has_no_vector(gym: Gym) -> None:
    enrolment.enrol(gym.store, DESK, ZOE, vector(5), sources=["shot 1"])
    enrolment.add_pictures(gym.store, DESK, "p-zoe", vector(6), consent=AGREED)
    added, enrolled = gym.store.audit.all()
    assert (enrolled.after["pictures"], added.before["pictures"], added.after["pictures"]) == (1, 1, 2)
    assert "vector" not in str([enrolled, added])
    assert gym.store.people.vector_counts()["p-zoe"] == 2


def test_users_change_what_is_their_own_and_only_an_admin_the_rest(gym: Gym) -> None:
    prepare(gym, "users.password")
    desk = ACTORS[UserRole.DESK]
    users.set_password(gym.store, desk, "desk", "other")
    known = gym.store.users.credentials("Desk")
    assert known is not None
    assert known.password_hash == "other"
    assert gym.store.users.signed_in("Desk", gym.now[0]) is None
    with pytest.raises(NotAllowedError):
        users.set_password(gym.store, desk, "Ben", "other")
    assert gym.store.users.signed_in("Ben", gym.now[0]) is not None
    assert "other" not in str(gym.store.audit.all())
