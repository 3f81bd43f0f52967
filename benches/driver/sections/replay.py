"""Saved pages → Parquet: throughput on one and two threads, memory, CPU, and bytes a record (`size` takes them from
here).

Before anything is timed each contestant runs once and every leaf of what it wrote is compared with kore-lake's own
lake; one that differs is not measured.
"""

import os
import shutil

from .. import pages, program, tables
from ..measure import Contestant, Failed, bytes_of, interleaved, run, summaries

OURS = "kore-lake replay, committed lake"
BASE = "DuckDB, NDJSON"
LIMITS = {
    "read": "limit: reading the bytes",
    "skip": "limit: parsing, keeping nothing",
    "decode": "part: decoding",
    "encode": "part: encoding (CPU and memory with the decoding before)",
}
PIPES = {"arrow-json": "arrow-json → ArrowWriter", "ours": "decoder → ArrowWriter as in the lake"}
# Records of those that take minutes for all.
SLOW_RECORDS = 50_000
LACKING = "the parts and limits of benches/src/bin/pages.rs"


def measure(bench):
    data = pages.make(bench.program, bench.cache / f"pages-{bench.records}", bench.records, say=bench.say)
    pages.make_ndjson(data, bench.say)
    few = pages.make(bench.program, bench.cache / "pages-few", min(SLOW_RECORDS, bench.records), say=bench.say)
    pages.make_ndjson(few, bench.say)
    warm(data)
    result = {"data": data.facts(), "few": few.facts(), "threads": {}, "different": {}}
    expected = {source.folder: lake_of(bench, source) for source in (data, few)}
    for threads in thread_counts(bench):
        found = field(bench, result, data, few, threads)
        right, wrong = equal(bench, found, expected)
        result["different"] |= wrong
        result["threads"][str(threads)] = summaries(interleaved(right, bench.rounds, bench.say)) | {
            name: {"failed": reason} for name, reason in wrong.items() if name not in {one.name for one in right}
        }
        for one in found:
            told = result["threads"][str(threads)].get(one.name)
            if told and "failed" not in told:
                told["input_bytes"] = one.source.bytes
                told["input_records"] = one.source.records
    result["shared_bytes"] = shared_bytes(bench, list(result["threads"].values())[-1])
    return result


def thread_counts(bench):
    return [1, 2] if not bench.check and len(os.sched_getaffinity(0)) > 1 else [1]


def field(bench, result, data, few, threads):
    """Everyone who takes part, on so many threads."""
    cores = ",".join(str(core) for core in sorted(os.sched_getaffinity(0))[:threads])
    out = bench.folder("out")

    def entry(name, command, source, target, names="api", environment=None):
        one = Contestant(
            name,
            command,
            environment or {},
            cores,
            prepare=lambda: remove(target),
            after=lambda: {"output_bytes": parquet_bytes(target)},
        )
        one.source, one.target, one.names = source, target, names
        return one

    found = [
        entry(
            OURS, [bench.program, "replay", data.folder, "--lake", out / "lake", "--quiet"], data, out / "lake", "ours"
        ),
        entry(
            BASE,
            program.python("duckdb_pages.py", data.ndjson, out / "duckdb.parquet", threads),
            data,
            out / "duckdb.parquet",
        ),
        entry(
            "pyarrow, NDJSON",
            program.python("pyarrow_pages.py", data.ndjson, out / "pyarrow.parquet", threads),
            data,
            out / "pyarrow.parquet",
        ),
    ]
    if not bench.check:
        found += [
            entry(
                "DuckDB, page files",
                program.python("duckdb_pages.py", few.folder, out / "duckdb-pages.parquet", threads),
                few,
                out / "duckdb-pages.parquet",
            ),
            entry(
                "Polars, NDJSON",
                program.python("polars_pages.py", few.ndjson, out / "polars.parquet"),
                few,
                out / "polars.parquet",
                environment={"POLARS_MAX_THREADS": str(threads)},
            ),
            entry(
                "Python by hand: orjson → pyarrow",
                program.python("by_hand_pages.py", few.folder, out / "hand.parquet", few.pages),
                few,
                out / "hand.parquet",
            ),
        ]
        found += pipes(bench, result, data, out, threads, entry)
    return found


def pipes(bench, result, data, out, threads, entry):
    """The parts of kore-lake and its limits, in the binary `pages`."""
    try:
        executable = bench.pages or program.pages()
    except program.Missing as reason:
        bench.say(f"  NOT MEASURED: {LACKING}: {reason}")
        result["different"][LACKING] = str(reason)
        return []
    found = []
    for pipe, name in (LIMITS | PIPES).items():
        target = out / f"{pipe}.parquet"
        command = [executable, pipe, "--pages", data.folder, "--out", target, "--threads", threads]
        found.append(entry(name, command, data, target, {"ours": "ours", "arrow-json": "api"}.get(pipe, "none")))
    return found


def equal(bench, found, expected):
    """Runs each once. Gives those whose leaves are the lake's, and by name why others are not."""
    right, wrong = [], {}
    for one in found:
        try:
            run(one)
            if one.names != "none":
                differs = difference(expected[one.source.folder], program.told("leaf_sums.py", one.target, one.names))
                if differs:
                    raise Failed(f"{one.name}: differs from the lake in {differs}")
            right.append(one)
            bench.say(f"  equal: {one.name}" if one.names != "none" else f"  not compared: {one.name}")
        except (Failed, program.Missing) as reason:
            wrong[one.name] = str(reason)
            bench.say(f"  FAILED {reason}")
    return right, wrong


def difference(expected, found):
    """Names of what differs, a few of them; empty where all is equal."""
    if expected["rows"] != found["rows"]:
        return f"rows: expected {expected['rows']}, found {found['rows']}"
    leaves = expected["sums"].keys() | found["sums"].keys()
    return ", ".join(sorted(leaf for leaf in leaves if expected["sums"].get(leaf) != found["sums"].get(leaf))[:5])


def lake_of(bench, source):
    """The sums of the lake that kore-lake makes of the pages."""
    lake = bench.lake("expected")
    run(Contestant("replay", [bench.program, "replay", source.folder, "--lake", lake, "--quiet"]))
    sums = program.told("leaf_sums.py", lake, "ours")
    if sums["rows"] != source.records:
        raise RuntimeError(f"the lake has {sums['rows']} rows of {source.records} records")
    return sums


def shared_bytes(bench, told):
    """Compressed bytes, by contestant, of the leaves that all have; of what the last round left."""
    out, found = bench.cache / "out", {}
    for name, path, names in [
        (OURS, out / "lake", "ours"),
        (PIPES["ours"], out / "ours.parquet", "ours"),
        (BASE, out / "duckdb.parquet", "api"),
        (PIPES["arrow-json"], out / "arrow-json.parquet", "api"),
        ("pyarrow, NDJSON", out / "pyarrow.parquet", "api"),
        ("Polars, NDJSON", out / "polars.parquet", "api"),
        ("Python by hand: orjson → pyarrow", out / "hand.parquet", "api"),
    ]:
        if "failed" not in told.get(name, {"failed": "not there"}):
            found[name] = program.told("leaf_bytes.py", path, names)
    return found


def warm(data):
    """Reads all once, so that no one pays for the disk."""
    for path in [*data.folder.glob("*.json"), data.ndjson]:
        with path.open("rb") as file:
            while file.read(1 << 20):
                pass


def remove(path):
    shutil.rmtree(path, ignore_errors=True)
    path.unlink(missing_ok=True)


def parquet_bytes(path):
    if path.is_dir():
        return sum(bytes_of(file) for file in path.rglob("conversations.parquet"))
    return bytes_of(path) if path.exists() else 0


def rate(told):
    """MB of JSON a second."""
    return told["input_bytes"] / 1e6 / told["seconds"]


def tables_of(result):
    head = [
        "",
        "MB of JSON/s, 1 thread",
        "× DuckDB",
        "peak MB",
        "CPU s a GB",
        "2 threads",
        "× DuckDB",
        "peak MB",
        "CPU s a GB",
    ]
    names = [name for told in result["threads"].values() for name in told]
    rows = []
    for name in dict.fromkeys(names):
        cells = []
        for threads in result["threads"].values():
            told = threads.get(name, {"failed": "not there"})
            if "failed" in told:
                cells += ["not measured", "", "", ""]
                continue
            base = threads.get(BASE, {})
            ratio = tables.times(rate(told) / rate(base)) if "seconds" in base else "–"
            cells += [
                f"{rate(told):,.0f}",
                ratio,
                tables.megabytes(told["peak_bytes"]),
                tables.seconds(told["cpu"] / told["input_bytes"] * 1e9),
            ]
        label = f"**{name}**" if name in (OURS, *PIPES.values()) and "arrow-json" not in name else name
        rows.append([label + note(name, result), *cells])
    told = tables.render(head[: 1 + 4 * len(result["threads"])], rows)
    failed = "".join(f"\nNot measured: {name}: {reason}" for name, reason in result["different"].items())
    return {"replay": f"{data_line(result)}\n\n{told}\n{failed}".rstrip()}


def note(name, result):
    slow = ("DuckDB, page files", "Polars, NDJSON", "Python by hand: orjson → pyarrow")
    return f" ({result['few']['records']:,} records)" if name in slow else ""


def data_line(result):
    data = result["data"]
    return (
        f"Data: {data['records']:,} records in {data['pages']:,} pages, {data['bytes'] / 1e6:,.0f} MB of JSON, "
        f"{data['days']} days. Before any timing {compared()} were found equal to kore-lake's, of all "
        "that write Parquet but the part *encoding*."
    )


def compared():
    return "the rows and the values of every leaf that all have"
