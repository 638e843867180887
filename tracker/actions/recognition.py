"""How people are recognised: the limits of single people, and the network of all vectors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.actions.actor import Actor
from tracker.actions.corrections import changed_since
from tracker.actions.operation import Change, Operation, changing
from tracker.store.audit import AuditEntry, SubjectKind
from tracker.store.store import Store
from tracker.store.users import UserRole

_GALLERY = "gallery"


def _undo_limits(change: Change, entry: AuditEntry) -> None:
    """Bring limits back. Raises RecordError where they, or the network whose distances they limit, changed since."""
    if _limits(change.store) != entry.after:
        raise changed_since("")
    _replace_limits(change, entry.before["limits"])


LIMITS = Operation(
    name="recognition.limits", words="set limits of single people", least=UserRole.ADMIN, undo=_undo_limits
)
NETWORK = Operation(name="recognition.network", words="enrolled everybody for another network", least=UserRole.ADMIN)
OPERATIONS = (LIMITS, NETWORK)


def set_limits(store: Store, actor: Actor, limits: Mapping[str, float]) -> None:
    """Replace the greatest distances (0 to 2) at which faces are single people's, by person id; nobody's for none.

    Raises PeopleError when there is nobody of an id.
    """
    with changing(store, actor, LIMITS) as change:
        _replace_limits(change, limits)


def replace_network(
    store: Store,
    actor: Actor,
    network: str,
    vectors: Mapping[str, tuple[NDArray[np.float32], Sequence[str]]],
    *,
    people: Collection[str],
) -> None:
    """Replace the vectors of other networks by these, as `People.replace_network` describes. Raises PeopleError."""
    with changing(store, actor, NETWORK) as change:
        before = store.people.network()
        store.people.replace_network(network, vectors, people=people)
        change.record(
            SubjectKind.GALLERY, _GALLERY, before={"network": before}, after={"network": network},
            others=_people(vectors),
        )  # fmt: skip


def _replace_limits(change: Change, limits: Mapping[str, float]) -> None:
    before = _limits(change.store)
    change.store.people.replace_limits(limits)
    after = _limits(change.store)
    others = _people({**before["limits"], **after["limits"]})
    change.record(SubjectKind.GALLERY, _GALLERY, before=before, after=after, others=others)


def _limits(store: Store) -> dict[str, Any]:
    return {"network": store.model, "limits": store.people.limits()}


def _people(person_ids: Iterable[str]) -> list[tuple[SubjectKind, str]]:
    return [(SubjectKind.PERSON, person_id) for person_id in sorted(person_ids)]
