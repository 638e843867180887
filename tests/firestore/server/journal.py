"""A journal of commits in a file: a killed server restarts with every acknowledged commit."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.firestore.server.archive import Archive
from tests.firestore.server.names import split_name
from tests.firestore.server.protos import CommitRequest

HEAD = struct.Struct("<IIq")


class Journal:
    """An append-only file of commits: length, checksum, time in microseconds, then the documents after the commit.

    A commit is one record, so that it is there as a whole or not at all; a torn last record is cut off.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch()
        self._file = path.open("r+b")

    def replay(self, archive: Archive) -> int:
        """Replay the file into the archive; returns the number of commits."""
        commits, whole = 0, 0
        for time_us, commit, end in self._records():
            commits, whole = commits + 1, end
            archive.replayed(time_us)
            database = archive.database(commit.database)
            for write in commit.writes:
                if write.WhichOneof("operation") == "delete":
                    database.put(split_name(write.delete).ids, None, time_us)
                else:
                    database.put(split_name(write.update.name).ids, write.update.SerializeToString(), time_us)
        self._file.seek(whole)
        self._file.truncate()
        return commits

    def _records(self) -> Iterator[tuple[int, Any, int]]:
        self._file.seek(0)
        while len(head := self._file.read(HEAD.size)) == HEAD.size:
            length, checksum, time_us = HEAD.unpack(head)
            body = self._file.read(length)
            if len(body) < length or zlib.crc32(body) != checksum:
                return
            yield time_us, CommitRequest.FromString(body), self._file.tell()

    def append(self, commit: Any, time_us: int) -> None:
        """Hand the commit to the system: it outlives this process from here on."""
        body = commit.SerializeToString()
        self._file.write(HEAD.pack(len(body), zlib.crc32(body), time_us) + body)
        self._file.flush()

    def close(self) -> None:
        self._file.close()
