"""Start of the program: `--help` and `select 1`, many short runs; size and build time of the release binary."""

from .. import pages, tables
from ..measure import Contestant, interleaved, run, summaries
from ..program import python

RUNS = 20


def measure(bench):
    data = pages.make(bench.program, bench.cache / "pages-tiny", 500, say=bench.say)
    lake = bench.lake("lake-tiny")
    run(Contestant("replay", [bench.program, "replay", data.folder, "--lake", lake, "--quiet"]))
    contestants = [
        Contestant("kore-lake --help", [bench.program, "--help"]),
        Contestant('kore-lake query -c "select 1"', [bench.program, "query", "--lake", lake, "-c", "select 1"]),
        Contestant("DuckDB in Python: select 1", python("duckdb_select.py")),
    ]
    runs = 2 if bench.check else RUNS
    return {
        "runs": summaries(interleaved(contestants, runs, lambda _: None)),
        "binary_bytes": bench.program.stat().st_size,
        "build_seconds": bench.build_seconds,
    }


def tables_of(result):
    rows = []
    for name, told in result["runs"].items():
        if "failed" in told:
            rows.append(tables.failed(name, told["failed"], 5))
            continue
        least, median = tables.milliseconds(told["seconds_least"]), tables.milliseconds(told["seconds"])
        rows.append([name, median, least, tables.milliseconds(told["cpu"]), tables.megabytes(told["peak_bytes"])])
    built = result["build_seconds"]
    built = f"this run's build took {built:.0f} s" if built else "it was built before this run"
    said = f"{RUNS} runs each. The release binary has {result['binary_bytes'] / 1e6:,.1f} MB; {built}."
    return {"start": f"{said}\n\n{tables.render(['', 'median ms', 'least ms', 'CPU ms', 'peak MB'], rows)}"}
