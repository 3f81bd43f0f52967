"""What a load costs on the wire: requests by reading, pace under a rate, concurrency under latency, and peers on the
same simulator.
"""

import json
import statistics
import subprocess

from .. import program, tables
from ..measure import Contestant, Failed, interleaved, run, summaries
from ..simulator import ACCOUNT, FIRST_DAY, STREAM, Simulator, served
from .replay import remove

DAYS = 7
END = "2026-03-09"
RECORDS = 20_000
CONCURRENCY = 4
LATENCIES_MS = (0, 50, 150)
OURS = "kore-lake load"
BASE = "dlt, nested as JSON text"


def measure(bench):
    result = {"peers": peers(bench)}
    if not bench.check:
        result |= {"concurrency": concurrency(bench), "pace": pace(bench), "ratios": ratios(bench)}
    return result


def loading(bench, simulator, lake, *options):
    """The command of a load of the simulator's week."""
    return [
        bench.program,
        "load",
        "--host",
        simulator.url,
        "--account-id",
        ACCOUNT,
        "--stream-id",
        STREAM,
        "--from",
        FIRST_DAY,
        "--to",
        END,
        "--lake",
        lake,
        "--summary",
        summary_of(lake),
        "--quiet",
        *map(str, options),
    ]


def summary_of(lake):
    return lake.with_suffix(".summary.json")


def told_by_load(lake):
    summary = json.loads(summary_of(lake).read_text())
    return {name: summary[name] for name in ("requests", "ideal_requests", "records", "page_bytes")} | {
        "rows": summary["rows"]["new"]
    }


def peers(bench):
    """By latency each contestant's summary."""
    found, records = {}, 1_000 if bench.check else RECORDS
    for latency in LATENCIES_MS[:1] if bench.check else LATENCIES_MS:
        with Simulator(bench.program, *served(bench.program, records, DAYS), "--latency", f"{latency}ms") as simulator:
            bench.say(f" {latency} ms")
            taken = interleaved(field(bench, simulator), bench.rounds, bench.say)
            found[str(latency)] = summaries({name: whole(name, runs, simulator.rows) for name, runs in taken.items()})
    return {"latencies": found, "records": simulator.rows}


def field(bench, simulator):
    out = bench.folder("wire")
    lake, hand = out / "lake", out / "hand.parquet"

    def loaded():
        return told_by_load(lake)

    found = [
        Contestant(
            OURS,
            loading(bench, simulator, lake, "--rate", 0, "--concurrency", CONCURRENCY),
            simulator.environment,
            prepare=lambda: remove(lake),
            after=loaded,
        )
    ]
    if bench.check:
        return found
    arguments = [FIRST_DAY, DAYS, CONCURRENCY]
    found.append(
        Contestant(
            "Python by hand: requests, threads, pyarrow",
            program.python("by_hand_wire.py", hand, *arguments),
            simulator.environment,
            prepare=lambda: remove(hand),
            after=lambda: {"rows": program.told("row_count.py", hand)["rows"]},
        )
    )
    for name, nesting in ((BASE, "text"), ("dlt, child tables", "tables")):
        found.append(dlt(name, nesting, out / f"dlt-{nesting}", arguments, simulator))
    return found


def dlt(name, nesting, target, arguments, simulator):
    def clear():
        remove(target)
        remove(target.with_name(target.name + "-state"))

    return Contestant(
        name,
        program.python("dlt_wire.py", target, *arguments, nesting),
        simulator.environment,
        prepare=clear,
        after=lambda: {"rows": program.told("row_count.py", target / "lake" / "conversations")["rows"]},
    )


def whole(name, runs, rows):
    """The runs, or why they do not count: each must have written all rows."""
    if isinstance(runs, str):
        return runs
    missed = [taken.told["rows"] for taken in runs if taken.told["rows"] != rows]
    return f"{name}: expected {rows} rows, found {missed[0]}" if missed else runs


def concurrency(bench):
    """Requests a second at 50 ms with one connection and with eight."""
    records = 100_000
    found = {}
    with Simulator(bench.program, *served(bench.program, records, DAYS), "--latency", "50ms") as simulator:
        out = bench.folder("wire")
        contestants = []
        for connections in (1, 8):
            lake = out / f"lake-{connections}"
            contestants.append(
                Contestant(
                    str(connections),
                    loading(bench, simulator, lake, "--rate", 0, "--concurrency", connections),
                    simulator.environment,
                    prepare=lambda lake=lake: remove(lake),
                    after=lambda lake=lake: told_by_load(lake),
                )
            )
        found = summaries(interleaved(contestants, min(bench.rounds, 3), bench.say))
    return {"connections": found, "records": simulator.rows}


def pace(bench):
    """A backfill of about three minutes at 60 requests a minute."""
    with Simulator(bench.program, *served(bench.program, 16_000, DAYS)) as simulator:
        lake = bench.lake("wire") / "lake"
        lake.parent.mkdir(parents=True)
        one = Contestant(
            OURS, loading(bench, simulator, lake, "--rate", 60), simulator.environment, after=lambda: told_by_load(lake)
        )
        taken = run(one)
    # One a second.
    needed = taken.told["requests"]
    bench.say(f"  {taken.seconds:.1f} s for {taken.told['requests']} requests")
    return {"seconds": taken.seconds, "requests": taken.told["requests"], "needed_seconds": needed}


def ratios(bench):
    """Has the table of docs/request-ratios.md made again, and sums it up by its columns."""
    bench.say("  making docs/request-ratios.md again")
    test = [
        "cargo",
        "test",
        "--locked",
        "--lib",
        "--",
        "--ignored",
        "--exact",
        "source::reading::table::request_ratios",
    ]
    ended = subprocess.run(test, cwd=program.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if ended.returncode:
        raise Failed(f"request ratios: {ended.stdout[-400:]}")
    document = "docs/request-ratios.md"
    changed = subprocess.run(["git", "diff", "--quiet", "--", document], cwd=program.ROOT).returncode != 0
    lines = [line for line in (program.ROOT / document).read_text().splitlines() if line.startswith("|")]
    head, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "---" not in line]
    full = [row for row in rows if "records a page" not in row[0]]
    columns, volume = {}, ""
    for index, name in enumerate(head[1:], 1):
        # Columns of one volume follow one another, and only the first names it.
        volume, _, name = name.rpartition(": ") if ": " in name else (volume, "", name)
        values = [float(row[index]) for row in full]
        worst = max(full, key=lambda row: float(row[index]))
        columns[f"{volume}: {name}"] = {
            "least": min(values),
            "median": statistics.median(values),
            "most": max(values),
            "worst": worst[0],
        }
    return {"columns": columns, "readings": len(full), "changed": changed}


def tables_of(result):
    found = {"wire-peers": peers_table(result["peers"])}
    if "ratios" in result:
        found |= {
            "wire-ratios": ratios_table(result["ratios"]),
            "wire-pace": pace_table(result["pace"]),
            "wire-concurrency": concurrency_table(result["concurrency"]),
        }
    return found


def peers_table(result):
    head = ["latency", "", "s", "× faster than", "CPU s", "CPU ÷", "peak MB", "requests"]
    rows = []
    for latency, told in result["latencies"].items():
        ours = told[OURS]
        for name, one in told.items():
            if "failed" in one:
                rows.append([f"{latency} ms", *tables.failed(name, one["failed"], 7)])
                continue
            parts = ("wall", "cpu")
            ratio = [tables.times(one[part] / ours[part]) if "failed" not in ours else "–" for part in parts]
            rows.append(
                [
                    f"{latency} ms",
                    name,
                    tables.seconds(one["wall"]),
                    ratio[0],
                    tables.seconds(one["cpu"]),
                    ratio[1],
                    tables.megabytes(one["peak_bytes"]),
                    one["told"]["requests"],
                ]
            )
    said = (
        f"{result['records']:,} records of a week, {CONCURRENCY} connections, no rate limit; whole processes, start "
        "included. *×* and *÷* are theirs over kore-lake's. All have written every row. The peers ask by windows of "
        "two hours that somebody chose well, and the script trusts the first short page; kore-lake plans, proves and "
        "commits."
    )
    return f"{said}\n\n{tables.render(head, rows)}"


def concurrency_table(result):
    told = result["connections"]
    failed = [one["failed"] for one in told.values() if "failed" in one]
    if failed:
        return f"not measured: {failed[0]}"
    rate = {name: one["told"]["requests"] / one["wall"] for name, one in told.items()}
    rows = [
        [
            name,
            tables.seconds(one["wall"]),
            one["told"]["requests"],
            f"{rate[name]:.1f}",
            f"{rate[name] / rate['1'] / int(name):.0%}",
            tables.seconds(one["cpu"]),
        ]
        for name, one in told.items()
    ]
    head = ["connections", "s, commit included", "requests", "requests/s", "of so many times one", "CPU s"]
    return f"{result['records']:,} records, 50 ms an answer, no rate limit.\n\n{tables.render(head, rows)}"


def pace_table(result):
    over = result["seconds"] / result["needed_seconds"] - 1
    row = [
        result["requests"],
        tables.seconds(result["needed_seconds"]),
        tables.seconds(result["seconds"]),
        f"{over:+.1%}",
    ]
    return tables.render(["requests", "s at 60 a minute", "s taken", "over"], [row])


def ratios_table(result):
    rows = [
        [name, f"{one['least']:.2f}", f"{one['median']:.2f}", f"{one['most']:.2f}", one["worst"]]
        for name, one in result["columns"].items()
    ]
    said = f"Requests ÷ ⌈rows ÷ 100⌉ over {result['readings']} readings with pages of 100, "
    said += "from [request-ratios.md](request-ratios.md)"
    said += ", which this run changed." if result["changed"] else ", which this run made again to the letter."
    return f"{said}\n\n{tables.render(['', 'least', 'median', 'most', 'where'], rows)}"
