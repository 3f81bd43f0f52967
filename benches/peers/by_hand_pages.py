"""Saved pages to one Parquet file as a script does it: orjson → `Table.from_pylist` → ParquetWriter.

usage: by_hand_pages.py FOLDER OUT FILES

Takes the first FILES pages. What does not fit its column is converted, and times are parsed, as such scripts must.
Prints one line of JSON: seconds, without the start of Python; records; bytes.
"""

import datetime
import json
import pathlib
import sys
import time

import orjson
import pyarrow
import pyarrow.parquet

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from driver import declared
from driver.pages import fitted
from pyarrow_pages import ROW_GROUP_ROWS, schema


def main():
    folder, out, files = sys.argv[1:]
    paths = sorted(pathlib.Path(folder).glob("*.json"))[: int(files)]
    shape, declared_schema = ("struct", declared.columns()), schema()
    began = time.perf_counter()
    rows, records, taken_bytes = [], 0, 0
    with pyarrow.parquet.ParquetWriter(out, declared_schema, compression="zstd", compression_level=1) as writer:
        for path in paths:
            page = path.read_bytes()
            taken_bytes += len(page)
            rows += [fitted(record, shape, fromisoformat) for record in orjson.loads(page)["body"]["data"]]
            if len(rows) >= 2_000:
                records += put(writer, rows, declared_schema)
                rows = []
        records += put(writer, rows, declared_schema)
    print(json.dumps({"seconds": time.perf_counter() - began, "records": records, "bytes": taken_bytes}))


def fromisoformat(text):
    time = datetime.datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=datetime.timezone.utc)


def put(writer, rows, declared_schema):
    writer.write_table(pyarrow.Table.from_pylist(rows, schema=declared_schema), row_group_size=ROW_GROUP_ROWS)
    return len(rows)


if __name__ == "__main__":
    main()
