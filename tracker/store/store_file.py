"""The file of the embedded store: opening, closing, reading, and writing so that sessions follow the facts."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from tracker.store import vector_rows
from tracker.store.database import Database, Transaction
from tracker.store.faults import first_damage
from tracker.store.tables import Row


class StoreFile:
    """The connections to one store, and what every part of it needs."""

    def __init__(
        self,
        path: Path,
        *,
        model: str | None = None,
        busy_timeout_s: float = 10.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.path = path
        self._model = model
        self.now = clock
        self.database = Database(path, busy_timeout_s=busy_timeout_s, clock=clock)
        self._own = threading.local()

    @property
    def model(self) -> str:
        """The network whose vectors are written and read: as chosen, else that of the vectors in the store."""
        if self._model is None:
            with self.reading() as connection:
                self._model = vector_rows.network(connection)
        return self._model or vector_rows.DEFAULT_MODEL

    def use_model(self, model: str) -> None:
        """Choose the network whose vectors are written and read from now on."""
        self._model = model

    def open(self, *, create: bool = True) -> Self:
        """Open the store, and bring the file of an older version to this one.

        create: make file and folder where missing and prove that they can be written (agents); without it a missing
        store is refused and reading needs no right to write. Raises StoreError on what is no store, is damaged or is
        of a newer version; such a file is left as it is. Opening twice does nothing.
        """
        self.database.open(create=create)
        with self.database.reading() as connection:
            built = _is_built(connection)
        if not built:
            self._build()
        return self

    def _build(self) -> None:
        from tracker.store import cursors, session_rows

        with self.database.writing() as writing:
            if not _is_built(writing.connection):  # another process may have been quicker
                session_rows.rebuild(writing)
            if cursors.is_begun(writing.connection):
                cursors.prepare(writing.connection)

    def close(self) -> None:
        """Close the store after a write in progress. Closing twice does nothing; it can be opened again."""
        self.database.close()

    def patience(self, timeout_s: float) -> AbstractContextManager[None]:
        """What this thread writes inside waits for other writers no longer than that, instead of `busy_timeout_s`."""
        return self.database.patience(timeout_s)

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """This thread's read-only connection; every SELECT sees the last commit.

        Inside `writing` it is the connection of the transaction, so that reads see what it wrote.
        """
        transaction = self._transaction
        return self.database.reading() if transaction is None else nullcontext(transaction.connection)

    def rows(self, query: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[Row]:
        """The rows of one SELECT, as of the last commit."""
        with self.reading() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def one_state(self) -> Iterator[sqlite3.Connection]:
        """A read transaction: every SELECT inside sees the store as it was at the first one.

        Inside `writing` it is that transaction, with the sessions as they follow from what it wrote so far.
        """
        transaction = self._transaction
        if transaction is not None:
            from tracker.store import session_rows

            session_rows.refresh(transaction)
            yield transaction.connection
            return
        with self.database.reading() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """One transaction; sessions follow what happened to events and people in it.

        Methods that write take part in the transaction of their thread where there is one: what they do is committed
        with it, and an error that leaves them must leave it as well. What somebody was erased from is overwritten on
        the disk after the commit.
        """
        outer = self._transaction
        if outer is not None:
            yield outer
            return
        from tracker.store import session_rows  # here, as most commands only read

        with self.database.writing() as writing:
            self._own.transaction = writing
            try:
                yield writing
                session_rows.refresh(writing)
            finally:
                self._own.transaction = None
        if writing.scrub:
            self.database.scrub()

    @property
    def _transaction(self) -> Transaction | None:
        """The transaction of this thread, None outside of one."""
        transaction: Transaction | None = getattr(self._own, "transaction", None)
        return transaction

    def damage(self, *, full: bool = False) -> str | None:
        """The first damage that SQLite finds in the file, None where there is none.

        full: compare every index with its table, which takes several times as long. Raises StoreError where the file
        is too damaged to be checked.
        """
        with self.database.reading() as connection:
            return first_damage(connection, full=full)

    def state(self, column: str) -> int:
        return int(self.rows(f"SELECT {column} FROM state")[0][0])


def _is_built(connection: sqlite3.Connection) -> bool:
    """Whether sessions were ever derived; not so in a store that an older version wrote last."""
    return connection.execute("SELECT ticked_at FROM state").fetchone()[0] is not None
