"""Rows of any store: whether they may be written, and what they look like in Arrow."""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from shopsight.catalog.product import AttributeValue
from shopsight.errors import VectorIndexError
from shopsight.index.base import Metric, Records, StoreSchema, Vectors
from shopsight.index.filter_ast import FieldType
from shopsight.index.filter_check import unknown_field

FIELD_PREFIX = "a_"
"""Begins the columns of fields, so that none collides with ``id`` or a word of SQL."""

TERMS = "terms"
"""Column of the terms that a row is found by; missing in what was written before there were any."""

REBUILD = "run `shopsight reindex` to make it anew from the catalogue"
"""What to do when an index cannot be used any more."""

NO_TEXTS = "; no texts to search: run `shopsight reindex` to add them"
"""For the health of a store that has rows from before texts were kept."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
_ARROW: Mapping[FieldType, pa.DataType] = {
    FieldType.STRING: pa.string(),
    FieldType.NUMBER: pa.float64(),
    FieldType.BOOLEAN: pa.bool_(),
    FieldType.STRINGS: pa.list_(pa.string()),
}


def check_same(expected: StoreSchema, found: StoreSchema, place: str) -> None:
    """Whether a collection is of the expected dimension and metric.

    Raises:
        VectorIndexError: It is not; says what to do.
    """
    if (found.dimension, found.metric) != (expected.dimension, expected.metric):
        raise VectorIndexError(
            f"The index {place} holds {found.dimension}-dimensional vectors for {found.metric}, "
            f"not {expected.dimension}-dimensional ones for {expected.metric}: {REBUILD}."
        )


def check_known(fields: Sequence[str], schema: StoreSchema) -> None:
    """Whether there are these fields; ``VectorIndexError`` names the first that is missing."""
    for field in fields:
        if field not in schema.fields:
            raise VectorIndexError(unknown_field(field, schema.fields))


def check_numeric(field: str, schema: StoreSchema) -> None:
    """Whether there is this field and it holds numbers; ``VectorIndexError`` if not."""
    check_known([field], schema)
    kind = schema.fields[field]
    if kind is not FieldType.NUMBER:
        raise VectorIndexError(f"Field {field!r} holds {kind} values: only numbers have ranges.")


def checked_fields(
    known: Mapping[str, FieldType], new: Mapping[str, FieldType]
) -> dict[str, FieldType]:
    """Those of the new fields that are not known yet.

    Raises:
        VectorIndexError: A name is no field name, or a field is known with another type.
    """
    for name, kind in new.items():
        if not _NAME.match(name):
            raise VectorIndexError(
                f"{name!r} cannot be a field: use lower-case letters, digits and _, 63 at most."
            )
        if known.get(name, kind) is not kind:
            raise VectorIndexError(
                f"Field {name!r} holds {known[name]} values, not {kind}: rename one of the two."
            )
    return {name: kind for name, kind in new.items() if name not in known}


def checked_records(records: Records, schema: StoreSchema) -> Records:
    """The records as they may be stored.

    Of equal ids the last is left, vectors are C-ordered float32, numbers floats without negative
    zero, lists free of repetitions; there is a text for each row, its terms separated by single
    spaces.

    Raises:
        VectorIndexError: Lengths or shapes disagree, a vector is not finite, a value does not fit
            its field, or a text is no valid Unicode; names the row.
    """
    count = len(records.ids)
    vectors = checked_vectors(records.vectors, count, schema.dimension)
    if not count == len(records.product_ids) == len(records.attributes):
        raise VectorIndexError("Records need as many product ids and attributes as ids.")
    texts = records.texts or [""] * count
    if len(texts) != count:
        raise VectorIndexError("Records need a text for each id, or none at all.")
    finite = np.isfinite(np.linalg.norm(vectors, axis=1))
    if not finite.all():
        bad = records.ids[int(np.argmin(finite))]
        raise VectorIndexError(
            f"The vector of {bad!r} is not finite: the encoder failed on its picture; leave it out."
        )
    last = {key: row for row, key in enumerate(records.ids)}
    for key, row in last.items():
        _check_key(key)
        _check_key(records.product_ids[row])
    rows = list(last.values())
    return Records(
        ids=list(last),
        product_ids=[records.product_ids[row] for row in rows],
        vectors=vectors if len(rows) == count else np.ascontiguousarray(vectors[rows]),
        attributes=[
            _checked_attributes(records.ids[row], records.attributes[row], schema.fields)
            for row in rows
        ],
        texts=[_checked_text(records.ids[row], texts[row]) for row in rows],
    )


def checked_vectors(vectors: Vectors, count: int, dimension: int) -> Vectors:
    """The vectors as C-ordered float32; ``VectorIndexError`` if they are not of that shape."""
    array = np.ascontiguousarray(vectors, dtype=np.float32)
    if array.shape != (count, dimension):
        raise VectorIndexError(
            f"Vectors have the shape {array.shape}, the index needs {(count, dimension)}: "
            "it was made by another encoder, or for another number of rows."
        )
    return array


def checked_query(vector: Vectors, k: int, schema: StoreSchema) -> Vectors:
    """The query vector as contiguous float32.

    Raises:
        VectorIndexError: It has a wrong length, is not finite, has no direction (cosine), or ``k``
            is less than 1.
    """
    _check_places(k)
    array: Vectors = checked_vectors(np.atleast_2d(vector), 1, schema.dimension)[0]
    length = float(np.linalg.norm(array))
    if not math.isfinite(length):
        raise VectorIndexError("The query vector is not finite.")
    if schema.metric is Metric.COSINE and length == 0:
        raise VectorIndexError("The query vector is all zeros: it has no direction to compare.")
    return array


def checked_terms(text: str, k: int) -> list[str]:
    """The distinct terms of a query, without those that no row can contain.

    Raises:
        VectorIndexError: ``k`` is less than 1.
    """
    _check_places(k)
    return [term for term in dict.fromkeys(text.split()) if _is_text(term)]


def arrow_schema(schema: StoreSchema) -> pa.Schema:
    """Columns for all that a row has, one per field; metadata tells the metric."""
    columns = [
        pa.field("id", pa.string(), nullable=False),
        pa.field("product_id", pa.string(), nullable=False),
        pa.field("vector", pa.list_(pa.float32(), schema.dimension), nullable=False),
        terms_column(),
        *field_columns(schema.fields),
    ]
    return pa.schema(columns, metadata={"shopsight.metric": schema.metric.value})


def terms_column() -> pa.Field:
    """Arrow column of texts, null in rows that are older than it."""
    return pa.field(TERMS, pa.string())


def field_columns(fields: Mapping[str, FieldType]) -> list[pa.Field]:
    """Arrow columns of fields, nullable."""
    return [pa.field(FIELD_PREFIX + name, _ARROW[kind]) for name, kind in fields.items()]


def store_schema(schema: pa.Schema) -> StoreSchema:
    """The shape that :func:`arrow_schema` wrote down.

    Raises:
        VectorIndexError: The columns were not made by Shopsight.
    """
    kinds = {arrow: kind for kind, arrow in _ARROW.items()}
    try:
        fields = {
            column.name.removeprefix(FIELD_PREFIX): kinds[_plain(column.type)]
            for column in schema
            if column.name.startswith(FIELD_PREFIX)
        }
        metric = (schema.metadata or {}).get(b"shopsight.metric", b"").decode()
        return StoreSchema(
            dimension=schema.field("vector").type.list_size, metric=Metric(metric), fields=fields
        )
    except (KeyError, ValueError, AttributeError) as error:
        raise VectorIndexError(
            f"These columns were not made by Shopsight: {', '.join(schema.names)}."
        ) from error


def to_arrow(records: Records, schema: StoreSchema) -> pa.Table:
    """Checked records as one table with the columns of :func:`arrow_schema`."""
    columns = arrow_schema(schema)
    flat = pa.array(records.vectors.ravel(), pa.float32())
    arrays = [
        pa.array(records.ids, pa.string()),
        pa.array(records.product_ids, pa.string()),
        pa.FixedSizeListArray.from_arrays(flat, schema.dimension),
        pa.array(records.texts, pa.string()),
        *(
            pa.array([row.get(name) for row in records.attributes], _ARROW[kind])
            for name, kind in schema.fields.items()
        ),
    ]
    return pa.table(arrays, schema=columns)


def from_arrow(table: pa.Table) -> Records:
    """Records from a table with the columns of :func:`arrow_schema`, in any order.

    The column of texts may be missing.
    """
    attributes: list[dict[str, AttributeValue]] = [{} for _ in range(table.num_rows)]
    for column in table.column_names:
        if not column.startswith(FIELD_PREFIX):
            continue
        name = column.removeprefix(FIELD_PREFIX)
        for row, value in zip(attributes, table.column(column).to_pylist(), strict=True):
            if value is not None:
                row[name] = value
    texts = table.column(TERMS).to_pylist() if TERMS in table.column_names else []
    return Records(
        ids=table.column("id").to_pylist(),
        product_ids=table.column("product_id").to_pylist(),
        vectors=vector_rows(table.column("vector")),
        attributes=attributes,
        texts=[text or "" for text in texts] or [""] * table.num_rows,
    )


def vector_rows(column: pa.ChunkedArray) -> Vectors:
    """A column of fixed-size lists as ``(n, dimension)`` float32."""
    flat = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    values = flat.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(values.reshape(-1, column.type.list_size), dtype=np.float32)


def facet_names(value: AttributeValue) -> list[str]:
    """Names under which a value is counted: list items; numbers without needless decimals."""
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, list):
        return list(dict.fromkeys(value))
    if isinstance(value, float) and value.is_integer():
        return [str(int(value))]
    return [str(value)]


def top_counts(counts: Mapping[str, int], limit: int) -> dict[str, int]:
    """The most frequent names, most frequent first, then by name."""
    ordered = heapq.nsmallest(limit, counts.items(), key=lambda item: (-item[1], item[0]))
    return dict(ordered)


def _plain(kind: pa.DataType) -> pa.DataType:
    """List types compare with the name and nullability of their item, which engines change."""
    return pa.list_(kind.value_type) if pa.types.is_list(kind) else kind


def _check_places(k: int) -> None:
    if k < 1:
        raise VectorIndexError(f"A search needs at least one place, not {k}.")


def _checked_text(key: str, text: str) -> str:
    if not _is_text(text):
        raise VectorIndexError(f"Row {key!r}: its text is no valid Unicode: {text[:80]!r}.")
    return " ".join(text.split())


def _check_key(key: str) -> None:
    if not key:
        raise VectorIndexError(f"{key!r} cannot be a row's key: it must not be empty.")
    try:
        key.encode()
    except UnicodeEncodeError as error:
        raise VectorIndexError(f"{key!r} cannot be a row's key: it is no valid Unicode.") from error


def _checked_attributes(
    key: str, attributes: Mapping[str, AttributeValue], fields: Mapping[str, FieldType]
) -> dict[str, AttributeValue]:
    checked: dict[str, AttributeValue] = {}
    for name, value in attributes.items():
        if name not in fields:
            raise VectorIndexError(
                f"Row {key!r} has a field {name!r} that was never added; add_fields comes first."
            )
        fitting = _fitting(value, fields[name])
        if fitting is None:
            raise VectorIndexError(
                f"Row {key!r}: {value!r} does not fit the field {name!r} of type {fields[name]}."
            )
        checked[name] = fitting
    return checked


def _fitting(value: AttributeValue, kind: FieldType) -> AttributeValue | None:
    if kind is FieldType.STRING:
        return value if _is_text(value) else None
    if kind is FieldType.BOOLEAN:
        return value if isinstance(value, bool) else None
    if kind is FieldType.STRINGS:
        fits = (
            isinstance(value, Sequence) and not isinstance(value, str) and all(map(_is_text, value))
        )
        return list(dict.fromkeys(value)) if fits else None  # type: ignore[arg-type]  # a sequence of texts
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number + 0.0 if math.isfinite(number) else None  # + 0.0: one zero, not two


def _is_text(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
