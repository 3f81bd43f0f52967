"""Saved pages, or NDJSON of the same records, to one Parquet file with DuckDB.

usage: duckdb_pages.py SOURCE OUT THREADS

SOURCE is a folder of pages or a file of NDJSON. Settings by measurement: insertion order not kept, which lets threads
write and takes a third of the memory; Parquet's second version, 4 % smaller in the same time. Prints one line of JSON:
seconds, without the start of Python and DuckDB.
"""

import json
import pathlib
import sys
import time

import duckdb

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from driver import declared

WORDS = {
    "string": "VARCHAR",
    "timestamp": "TIMESTAMPTZ",
    "int32": "INTEGER",
    "float64": "DOUBLE",
    "boolean": "BOOLEAN",
    "json": "JSON",
}
FORMAT = "FORMAT parquet, PARQUET_VERSION V2, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 131072"


def a_struct(fields):
    return "STRUCT(" + ", ".join(f'"{name}" {type_}' for name, type_ in fields) + ")"


def typed(type_, words=WORDS):
    return declared.mapped(type_, words, lambda element: element + "[]", a_struct)


def selected(source):
    """The records of the source, a row each."""
    columns = declared.columns()
    if pathlib.Path(source).is_file():
        words = WORDS | {"json": "VARCHAR"}
        types = ", ".join(f"'{name}': '{typed(type_, words)}'" for name, type_ in columns)
        return f"SELECT * FROM read_json('{source}', format = 'newline_delimited', columns = {{{types}}})"
    record = typed(("struct", columns))
    columns = f"{{'body': 'STRUCT(data {record}[])'}}"
    settings = "format = 'newline_delimited', maximum_object_size = 1048576"
    pages = f"read_json('{source}/*.json', {settings}, columns = {columns})"
    return f"SELECT unnest(record) FROM (SELECT unnest(body.data) AS record FROM {pages})"


def main():
    source, out, threads = sys.argv[1:]
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}; SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    began = time.perf_counter()
    connection.execute(f"COPY ({selected(source)}) TO '{out}' ({FORMAT})")
    print(json.dumps({"seconds": time.perf_counter() - began}))


main()
