"""The API to Parquet files with dlt: its `rest_api` source → filesystem destination.

usage: dlt_wire.py OUT FIRST_DAY DAYS CONCURRENCY NESTING

A resource for each window, read side by side. NESTING is `text` (what is nested is kept as JSON text, the fastest) or
`tables` (dlt's default: child tables). Prints one line of JSON: seconds without the start of Python and dlt's imports,
requests.
"""

import json
import os
import pathlib
import sys
import time

os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "EXTRACT__WORKERS": sys.argv[4],
    "EXTRACT__MAX_PARALLEL_ITEMS": str(4 * int(sys.argv[4])),
    "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
    "DATA_WRITER__COMPRESSION": "zstd",
}

import dlt
import requests
from dlt.sources.rest_api import rest_api_source

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from windows import PAGE_ROWS, body, headers, windows

SENT = []


def counted(send):
    def sent(*arguments, **named):
        SENT.append(1)
        return send(*arguments, **named)

    return sent


def resource(window):
    return {
        "name": "w" + "".join(filter(str.isdigit, window[0])),
        "table_name": "conversations",
        "endpoint": {
            "path": "",
            "method": "POST",
            "json": body(*window),
            "params": {"limit": PAGE_ROWS},
            "data_selector": "data",
            "paginator": {
                "type": "page_number",
                "base_page": 0,
                "page_param": "offset",
                "total_path": None,
                "maximum_page": 11,
                "stop_after_empty_page": True,
            },
        },
    }


def main():
    out, first, days, _, nesting = sys.argv[1:]
    requests.Session.send = counted(requests.Session.send)
    began = time.perf_counter()
    source = rest_api_source(
        {
            "client": {"base_url": os.environ["BENCH_URL"], "headers": headers()},
            "resource_defaults": {"write_disposition": "append"},
            "resources": [resource(window) for window in windows(first, int(days))],
        },
        # Here, not at each resource: there it has no effect in 1.31, all requests come from one thread.
        parallelized=True,
    )
    if nesting == "text":
        source.max_table_nesting = 0
    out = pathlib.Path(out).resolve()
    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.filesystem(bucket_url=out.as_uri()),
        dataset_name="lake",
        pipelines_dir=f"{out}-state",
    )
    pipeline.run(source, loader_file_format="parquet")
    print(json.dumps({"seconds": time.perf_counter() - began, "requests": len(SENT)}))


main()
