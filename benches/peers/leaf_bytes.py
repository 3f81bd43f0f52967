"""Compressed bytes of a Parquet file or folder: of all, and of the leaves that kore-lake and its peers both have.

usage: leaf_bytes.py PATH ours|api

Of kore-lake's columns it leaves out `extra` and those that begin with `_`; of a peer's nothing. Prints one line of
JSON: `all` (bytes of the files), `shared`, `rows`.
"""

import json
import pathlib
import sys

import pyarrow.parquet


def is_shared(path, names):
    parts = path.split(".")
    return names == "api" or not (parts[-1] == "extra" or parts[0].startswith("_"))


def main():
    path, names = pathlib.Path(sys.argv[1]), sys.argv[2]
    files = sorted(path.rglob("conversations.parquet")) if path.is_dir() else [path]
    told = {"all": sum(file.stat().st_size for file in files), "shared": 0, "rows": 0}
    for file in files:
        metadata = pyarrow.parquet.ParquetFile(file).metadata
        told["rows"] += metadata.num_rows
        for group in range(metadata.num_row_groups):
            chunks = metadata.row_group(group)
            columns = [chunks.column(column) for column in range(chunks.num_columns)]
            told["shared"] += sum(
                column.total_compressed_size for column in columns if is_shared(column.path_in_schema, names)
            )
    print(json.dumps(told))


main()
