"""NDJSON to one Parquet file with Polars: `read_ndjson` → `write_parquet`.

usage: polars_pages.py NDJSON OUT

POLARS_MAX_THREADS limits its threads. Prints one line of JSON: seconds, without the start of Python and Polars.
"""

import json
import pathlib
import sys
import time

import polars

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from driver import declared

WORDS = {
    "string": polars.String,
    "timestamp": polars.Datetime("us", "UTC"),
    "int32": polars.Int32,
    "float64": polars.Float64,
    "boolean": polars.Boolean,
    "json": polars.String,
}


def a_struct(fields):
    return polars.Struct(dict(fields))


def main():
    source, out = sys.argv[1:]
    schema = {name: declared.mapped(type_, WORDS, polars.List, a_struct) for name, type_ in declared.columns()}
    began = time.perf_counter()
    frame = polars.read_ndjson(source, schema=schema)
    frame.write_parquet(out, compression="zstd", compression_level=1, row_group_size=131_072)
    print(json.dumps({"seconds": time.perf_counter() - began}))


main()
