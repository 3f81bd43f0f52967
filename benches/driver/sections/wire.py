"""What a load costs on the wire: requests by reading, pace under a rate, concurrency under latency, and peers on the
same simulator.
"""

import datetime
import json
import statistics
import subprocess

from .. import program, tables
from ..measure import Contestant, Failed, interleaved, run, summaries
from ..simulator import ACCOUNT, FIRST_DAY, STREAM, Simulator, served
from .replay import remove

DAYS = 7
CONCURRENCY = 4
# By latency how many records of how many days the peers load, as dense each time. Without latency that many that the
# start of an interpreter and its imports, and what a run costs whatever it reads, are a few hundredths of the whole.
PEERS_LOAD = {0: (100_000, 35), 50: (20_000, DAYS), 150: (20_000, DAYS)}
# Records and days of the loads with one connection and with eight: a week, and weeks as a backfill has them.
CONCURRENCY_LOADS = [(100_000, DAYS), (175_000, 5 * DAYS)]
OURS = "kore-lake load"
BASE = "dlt, nested as JSON text"


def measure(bench):
    result = {"peers": peers(bench)}
    if not bench.check:
        result |= {"concurrency": concurrency(bench), "pace": pace(bench), "ratios": ratios(bench)}
    return result


def loading(bench, simulator, lake, *options, days=DAYS):
    """The command of a load of so many days of the simulator."""
    end = datetime.date.fromisoformat(FIRST_DAY) + datetime.timedelta(days=days)
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
        end,
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
    names = ("requests", "ideal_requests", "records", "page_bytes", "reading_seconds")
    return {name: summary[name] for name in names} | {"rows": summary["rows"]["new"]}


def peers(bench):
    """By latency each contestant's summary."""
    found, loaded = {}, {}
    for latency, (records, days) in {0: (1_000, DAYS)}.items() if bench.check else PEERS_LOAD.items():
        with Simulator(bench.program, *served(bench.program, records, days), "--latency", f"{latency}ms") as simulator:
            bench.say(f" {latency} ms")
            taken = interleaved(field(bench, simulator, days), bench.rounds, bench.say)
            found[str(latency)] = summaries({name: whole(name, runs, simulator.rows) for name, runs in taken.items()})
            loaded[str(latency)] = {"records": simulator.rows, "days": days}
    return {"latencies": found, "loaded": loaded}


def field(bench, simulator, days):
    out = bench.folder("wire")
    lake, hand = out / "lake", out / "hand.parquet"

    def loaded():
        return told_by_load(lake)

    found = [
        Contestant(
            OURS,
            loading(bench, simulator, lake, "--rate", 0, "--concurrency", CONCURRENCY, days=days),
            simulator.environment,
            prepare=lambda: remove(lake),
            after=loaded,
        )
    ]
    if bench.check:
        return found
    arguments = [FIRST_DAY, days, CONCURRENCY]
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
    """Requests a second at 50 ms with one connection and with eight, of reading alone and of the whole process."""
    return [side_by_side(bench, records, days) for records, days in CONCURRENCY_LOADS]


def side_by_side(bench, records, days):
    with Simulator(bench.program, *served(bench.program, records, days), "--latency", "50ms") as simulator:
        out = bench.folder("wire")
        contestants = []
        for connections in (1, 8):
            lake = out / f"lake-{connections}"
            contestants.append(
                Contestant(
                    str(connections),
                    loading(bench, simulator, lake, "--rate", 0, "--concurrency", connections, days=days),
                    simulator.environment,
                    prepare=lambda lake=lake: remove(lake),
                    after=lambda lake=lake: told_by_load(lake),
                )
            )
        taken = interleaved(contestants, min(bench.rounds, 3), bench.say)
    found = summaries(taken)
    for name, runs in taken.items():
        if not isinstance(runs, str):
            found[name]["reading"] = statistics.median(run.told["reading_seconds"] for run in runs)
    return {"connections": found, "records": simulator.rows, "days": days}


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
    loaded = [
        f"{one['records']:,} records of {one['days']} days at {latency} ms" for latency, one in result["loaded"].items()
    ]
    said = (
        f"{', '.join(loaded)}; {CONCURRENCY} connections, no rate limit; whole processes, start included. "
        "*×* and *÷* are theirs over kore-lake's. All have written every row. The peers ask by windows of "
        "two hours that somebody chose well, and the script trusts the first short page; kore-lake plans, proves and "
        "commits."
    )
    return f"{said}\n\n{tables.render(head, rows)}"


def concurrency_table(results):
    rows = [row for result in results for row in concurrency_rows(result)]
    head = ["records", "connections", "requests", "s of reading", "requests/s", "of so many times one"]
    head += ["s of all", "of so many times one", "CPU s"]
    said = (
        "First loads, 50 ms an answer, no rate limit. *Reading* is from the first request until the "
        "last window lies durable (`reading_seconds` of the summary); *all* is the whole process, with its start and "
        "the commit, which has no part in connections."
    )
    return f"{said}\n\n{tables.render(head, rows)}"


def concurrency_rows(result):
    told = result["connections"]
    what = f"{result['records']:,} of {result['days']} days"
    failed = [one["failed"] for one in told.values() if "failed" in one]
    if failed:
        return [[what, *tables.failed("1 and 8", failed[0], 7)]]
    rows = []
    for name, one in told.items():
        rate, share = {}, {}
        for part in ("reading", "wall"):
            rate[part] = one["told"]["requests"] / one[part]
            share[part] = rate[part] * told["1"][part] / told["1"]["told"]["requests"] / int(name)
        rows.append(
            [
                what,
                name,
                one["told"]["requests"],
                tables.seconds(one["reading"]),
                f"{rate['reading']:.1f}",
                f"{share['reading']:.0%}",
                tables.seconds(one["wall"]),
                f"{share['wall']:.0%}",
                tables.seconds(one["cpu"]),
            ]
        )
    return rows


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
