"""The API to one Parquet file as a script does it: requests and threads → json → pyarrow → ParquetWriter.

usage: by_hand_wire.py OUT FIRST_DAY DAYS CONCURRENCY

Trusts a page that is not full to be the last; asks nothing twice. Prints one line of JSON: seconds without the start of
Python, requests.
"""

import concurrent.futures
import json
import os
import pathlib
import sys
import threading
import time

import pyarrow
import pyarrow.parquet
import requests

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from by_hand_pages import fromisoformat
from driver import declared
from driver.pages import fitted
from pyarrow_pages import schema
from windows import PAGE_ROWS, body, headers, windows

SHAPE = ("struct", declared.columns())
OWN = threading.local()


def read(window):
    """The records of a window, and how many requests they took."""
    if not hasattr(OWN, "session"):
        OWN.session = requests.Session()
        OWN.session.headers.update(headers())
    rows, offset = [], 0
    while True:
        asked = {"limit": PAGE_ROWS, "offset": offset}
        answer = OWN.session.post(os.environ["BENCH_URL"], params=asked, json=body(*window), timeout=60)
        answer.raise_for_status()
        records = answer.json()["data"]
        rows += [fitted(record, SHAPE, fromisoformat) for record in records]
        offset += 1
        if len(records) < PAGE_ROWS:
            return rows, offset


def main():
    out, first, days, concurrency = sys.argv[1:]
    declared_schema, sent, records = schema(), 0, 0
    began = time.perf_counter()
    with (
        concurrent.futures.ThreadPoolExecutor(int(concurrency)) as pool,
        pyarrow.parquet.ParquetWriter(out, declared_schema, compression="zstd", compression_level=1) as writer,
    ):
        for rows, asked in pool.map(read, windows(first, int(days))):
            writer.write_table(pyarrow.Table.from_pylist(rows, schema=declared_schema))
            sent, records = sent + asked, records + len(rows)
    print(json.dumps({"seconds": time.perf_counter() - began, "requests": sent, "records": records}))


main()
