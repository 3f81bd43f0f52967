"""NDJSON to one Parquet file with pyarrow: `pyarrow.json` → ParquetWriter.

usage: pyarrow_pages.py NDJSON OUT THREADS

Prints one line of JSON: seconds, without the start of Python.
"""

import json
import pathlib
import sys
import time

import pyarrow
import pyarrow.json
import pyarrow.parquet

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from driver import declared

ROW_GROUP_ROWS = 131_072
WORDS = {
    "string": pyarrow.string(),
    "timestamp": pyarrow.timestamp("us", "UTC"),
    "int32": pyarrow.int32(),
    "float64": pyarrow.float64(),
    "boolean": pyarrow.bool_(),
    "json": pyarrow.string(),
}


def schema():
    typed = lambda type_: declared.mapped(type_, WORDS, pyarrow.list_, pyarrow.struct)
    return pyarrow.schema([(name, typed(type_)) for name, type_ in declared.columns()])


def main():
    source, out, threads = sys.argv[1:]
    pyarrow.set_cpu_count(int(threads))
    pyarrow.set_io_thread_count(int(threads))
    began = time.perf_counter()
    options = pyarrow.json.ParseOptions(explicit_schema=schema(), unexpected_field_behavior="ignore")
    read = pyarrow.json.ReadOptions(block_size=8 << 20, use_threads=int(threads) > 1)
    with pyarrow.json.open_json(source, read_options=read, parse_options=options) as reader:
        write(reader, out)
    print(json.dumps({"seconds": time.perf_counter() - began}))


def write(reader, out):
    """Groups blocks into row groups of the same size as everybody's."""
    settings = {"compression": "zstd", "compression_level": 1, "version": "2.6"}
    with pyarrow.parquet.ParquetWriter(out, reader.schema, **settings) as writer:
        held, rows = [], 0
        for batch in reader:
            held.append(batch)
            rows += batch.num_rows
            while rows >= ROW_GROUP_ROWS:
                table = pyarrow.Table.from_batches(held)
                writer.write_table(table.slice(0, ROW_GROUP_ROWS), row_group_size=ROW_GROUP_ROWS)
                held = table.slice(ROW_GROUP_ROWS).to_batches()
                rows -= ROW_GROUP_ROWS
        if held:
            writer.write_table(pyarrow.Table.from_batches(held), row_group_size=ROW_GROUP_ROWS)


if __name__ == "__main__":
    main()
