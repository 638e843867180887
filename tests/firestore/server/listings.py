"""ListDocuments, ListCollectionIds and PartitionQuery: pages of names."""

from __future__ import annotations

from typing import Any

from tests.firestore.server.engine import Engine, View
from tests.firestore.server.names import check_id, field_path, parent_place, project_of
from tests.firestore.server.protos import (
    Document,
    ListCollectionIdsResponse,
    ListDocumentsResponse,
    PartitionQueryResponse,
    StructuredQuery,
)
from tests.firestore.server.queries import read_query, run
from tests.firestore.server.refusal import expect, invalid
from tests.firestore.server.values import project_fields

PAGE = 300


def list_documents(engine: Engine, request: Any, view: View) -> Any:
    """A page of a collection's documents by name; with show_missing also those that only have something below."""
    expect(not request.order_by, "This test server lists documents by their name only.")
    place = parent_place(request.parent)
    if request.collection_id:
        check_id(request.collection_id)
    with engine.lock:
        query = read_query(request.parent, _of_collection(request.collection_id))
        database = engine.archive.database(place.database)
        documents = {each.name: each for each in run(query, database, view.time_us).documents}
        names = set(documents)
        if request.show_missing:
            depth = len(place.ids)
            for collection in database.collections:
                below = len(collection) > depth + 2 and collection[:depth] == place.ids
                if (
                    below
                    and collection[depth] == request.collection_id
                    and any(database.scan([collection], view.time_us))
                ):
                    ids = "/".join(collection[: depth + 2])
                    names.add(f"{place.database}/documents/{ids}")
        page, token = _page(sorted(names, key=lambda name: name.split("/")), request)
        engine.counts(project_of(place.database)).query_read(request.collection_id, len(page))
    answer = ListDocumentsResponse(next_page_token=token)
    for name in page:
        document = documents.get(name, Document(name=name))
        if request.HasField("mask"):
            document = project_fields(document, [field_path(each) for each in request.mask.field_paths])
        answer.documents.append(document)
    return answer


def list_collection_ids(engine: Engine, request: Any, view: View) -> Any:
    """A page of the ids of the collections under the root or a document. Costs one read."""
    place = parent_place(request.parent)
    with engine.lock:
        ids = engine.archive.database(place.database).child_ids(place.ids, view.time_us)
        engine.counts(project_of(place.database)).reads[""] += 1
    page, token = _page(ids, request)
    return ListCollectionIdsResponse(collection_ids=page, next_page_token=token)


def partition(engine: Engine, request: Any, view: View) -> Any:
    """Cursors that cut a collection group into about equal parts."""
    expect(request.partition_count > 0, "The number of partitions is at least one.")
    query = read_query(request.parent, request.structured_query)
    with engine.lock:
        documents = run(query, engine.archive.database(query.database), view.time_us).documents
    answer = PartitionQueryResponse()
    step = len(documents) / (request.partition_count + 1)
    for index in sorted({int(step * part) for part in range(1, request.partition_count + 1)} - {0}):
        answer.partitions.add(before=True).values.add(reference_value=documents[index].name)
    return answer


def _of_collection(collection_id: str) -> Any:
    asked = StructuredQuery()
    asked.from_.add(collection_id=collection_id)
    return asked


def _page(names: list[str], request: Any) -> tuple[list[str], str]:
    """The page that the token asks for, and the token of the next."""
    try:
        start = int(request.page_token or "0")
    except ValueError:
        raise invalid("The page token is not one of this server's.") from None
    expect(request.page_size >= 0, "The page size is negative.")
    end = start + (request.page_size or PAGE)
    return names[start:end], str(end) if end < len(names) else ""
