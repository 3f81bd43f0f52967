"""The sixteen reports over the largest lake, look-ups of one id in it, and the first row of a count over many days,
against DuckDB.

The same SQL on the same files, and as many threads; results are compared before they are timed. *Cold* is a fresh
process each: of kore-lake from its start to its end; of DuckDB from opening a database file, in which views and
functions were set up before, without the start of Python. The files stay in the page cache. *Warm* is a later run in
one process: kore-lake's prompt by its `\\timing`, DuckDB's connection.
"""

import json
import math
import os
import shutil
import statistics
import subprocess

from .. import program, prompt, tables
from ..measure import Contestant, Failed, run, summary
from ..simulator import ACCOUNT, Simulator, served
from .wire import loading

START, END, DAYS, PER_DAY = "2025-01-01", "2026-02-05", 400, 300
OTHER_ACCOUNTS = ["6a1f0c2de4b58790a3c1d2e5", "6a1f0c2de4b58790a3c1d2e6"]
# One round of sixteen reports over 5 million conversations takes DuckDB minutes.
MOST_ROUNDS = 3


class Question:
    """`arguments` ask kore-lake in a process, `line` at its prompt; `sql` is DuckDB's, after the lake's setup."""

    def __init__(self, name, arguments, line, sql):
        self.name, self.arguments, self.line, self.sql = name, arguments, line, sql


def measure(bench):
    rounds = 1 if bench.check else min(bench.rounds, MOST_ROUNDS)
    large = large_lake(bench)
    result = {"rows": rows_of(bench, large), "reports": {}, "lookups": {}, "count": {}, "rounds": rounds}
    asked = report_names(bench)[:2] if bench.check else report_names(bench)
    result["reports"] = answers(bench, large, [report(bench, large, name) for name in asked], rounds)
    result["lookups"] = answers(bench, large, lookups(bench, large), rounds)
    if not bench.check:
        many = many_days(bench)
        result["count"] = answers(
            bench, many, [statement("count(*)", "SELECT count(*) FROM conversations")], bench.rounds
        )
        result["count_files"] = sum(1 for _ in (many / "conversations").rglob("*.parquet"))
    return result


def large_lake(bench):
    """The lake of `--lake5m`, made if it is not there."""
    if not (bench.lake5m / "conversations").exists():
        bench.say(f"  making a lake of {bench.large:,} conversations: {bench.lake5m}")
        with Simulator(bench.program, *served(bench.program, bench.large, 7)) as simulator:
            command = loading(bench, simulator, bench.lake5m, "--rate", 0)
            run(Contestant("load", command, simulator.environment))
    return bench.lake5m


def many_days(bench):
    """Three accounts of 400 days; the simulator has one, and a day's object does not name its account, so the others
    are copies.
    """
    lake = bench.cache / "lake-400-days"
    if lake.exists():
        return lake
    bench.say(f"  making a lake of three accounts and {DAYS} days: {lake}")
    part = bench.lake("lake-400-days.part")
    with Simulator(bench.program, "--start", START, "--days", DAYS, "--per-day", PER_DAY) as simulator:
        command = loading(bench, simulator, part, "--rate", 0)
        command[command.index("--from") + 1], command[command.index("--to") + 1] = START, END
        run(Contestant("load", command, simulator.environment))
    for account in OTHER_ACCOUNTS:
        folder = part / "conversations"
        shutil.copytree(folder / f"account_id={ACCOUNT}", folder / f"account_id={account}")
    part.rename(lake)
    return lake


def report_names(bench):
    return [report["name"] for report in json.loads(output(bench, "report", "list", "--output", "json"))]


def output(bench, *arguments):
    ended = subprocess.run(
        [bench.program, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if ended.returncode:
        raise Failed(f"kore-lake {' '.join(map(str, arguments))}: status {ended.returncode}: {ended.stderr[-400:]}")
    return ended.stdout


def setup_of(bench, lake):
    return output(bench, "schema", "--format", "duckdb", "--lake", lake)


def report(bench, lake, name):
    """The statement of a report is what its SQL has beyond the setup."""
    whole, setup = output(bench, "report", name, "--sql", "--engine", "duckdb", "--lake", lake), setup_of(bench, lake)
    if not whole.startswith(setup):
        raise Failed(f"the SQL of `{name}` does not begin with the lake's setup")
    return Question(name, ["report", name], f"\\report {name}", whole[len(setup) :])


def statement(name, sql):
    return Question(name, ["query", "-c", sql], f"{sql};", sql)


def lookups(bench, lake):
    """Of one conversation in the midst of the lake, by each of its ids."""
    sql = (
        "SELECT session_id, conversation_id FROM conversations WHERE conversation_id IS NOT NULL "
        f"ORDER BY session_id LIMIT 1 OFFSET {rows_of(bench, lake) // 4}"
    )
    session, conversation = (
        output(bench, "query", "--lake", lake, "--format", "csv", "-c", sql).splitlines()[1].split(",")
    )
    columns = "session_id, conversation_id, channel, session_start_time, final_status"
    return [
        statement(f"one {name}", f"SELECT {columns} FROM conversations WHERE {name} = '{value}'")
        for name, value in (("session_id", session), ("conversation_id", conversation))
    ]


def rows_of(bench, lake):
    return int(
        output(
            bench, "query", "--lake", lake, "--format", "csv", "-c", "SELECT count(*) AS n FROM conversations"
        ).split()[1]
    )


def answers(bench, lake, questions, rounds):
    """By question: what both took, or why it was not measured."""
    found, folder = {}, bench.folder("answers")
    setup, database = folder / "setup.sql", folder / "setup.duckdb"
    # Needed only for lakes of several versions; without it DuckDB opens each file once.
    setup.write_text(setup_of(bench, lake).replace("union_by_name = true,", ""))
    program.told("duckdb_sql.py", database, "--setup", setup)
    for question in questions:
        try:
            found[question.name] = one(bench, lake, question, rounds, database, folder)
            told = found[question.name]
            bench.say(
                f"  {question.name}: warm {told['ours']['warm']:.3f} s beside {told['duckdb']['warm']:.3f}, "
                f"cold {told['ours']['cold']:.3f} beside {told['duckdb']['cold']:.3f}"
            )
        except (Failed, program.Missing, RuntimeError) as reason:
            bench.say(f"  FAILED {question.name}: {reason}")
            found[question.name] = {"failed": str(reason)}
    return found


def one(bench, lake, question, rounds, database, folder):
    threads = len(os.sched_getaffinity(0))
    sql, ours = folder / "statement.sql", folder / "ours.parquet"
    sql.write_text(question.sql)
    command = [bench.program, *question.arguments, "--lake", lake]
    ours.unlink(missing_ok=True)
    run(Contestant(question.name, [*command, "--format", "parquet", "-o", ours]))
    compared = program.told("duckdb_sql.py", database, sql, threads, "--compare", ours)
    if compared["difference"]:
        raise Failed(f"rows differ: {compared['difference']}")
    fresh = Contestant(question.name, [*command, "--format", "csv"])
    theirs = Contestant(f"{question.name} in DuckDB", program.python("duckdb_sql.py", database, sql, threads, 1))
    runs = {"ours": [], "duckdb": []}
    for _ in range(rounds):
        runs["ours"].append(run(fresh))
        runs["duckdb"].append(run(theirs))
    warm = prompt.times(bench.program, lake, [question.line] * (rounds + 1))[1:]
    return {
        "rows": compared["rows"],
        "ours": summary(runs["ours"])
        | {"cold": statistics.median(taken.wall for taken in runs["ours"]), "warm": statistics.median(warm)},
        "duckdb": summary(runs["duckdb"])
        | {
            "cold": statistics.median(taken.seconds for taken in runs["duckdb"]),
            "warm": statistics.median(taken.told["later"][0] for taken in runs["duckdb"]),
        },
    }


def tables_of(result):
    found = {
        "answers-reports": f"{result['rows']:,} conversations in the lake, {result['rounds']} rounds.\n\n"
        + table(result["reports"], True),
        "answers-lookups": f"{result['rows']:,} conversations in the lake.\n\n" + table(result["lookups"], False),
    }
    if result["count"]:
        found["answers-count"] = f"{result['count_files']:,} day files of three accounts.\n\n" + table(
            result["count"], False
        )
    return found


def table(told, with_mean):
    head = [
        "",
        "rows",
        "warm ms",
        "DuckDB",
        "×",
        "cold ms",
        "DuckDB",
        "×",
        "peak MB",
        "DuckDB",
    ]
    rows, ratios = [], []
    for name, answer in told.items():
        if "failed" in answer:
            rows.append(tables.failed(name, answer["failed"], len(head)))
            continue
        ours, theirs = answer["ours"], answer["duckdb"]
        ratios.append((theirs["warm"] / ours["warm"], theirs["cold"] / ours["cold"]))
        rows.append(
            [
                name,
                f"{answer['rows']:,}",
                *beside(ours["warm"], theirs["warm"]),
                *beside(ours["cold"], theirs["cold"]),
                tables.megabytes(ours["peak_bytes"]),
                tables.megabytes(theirs["peak_bytes"]),
            ]
        )
    if with_mean and ratios:
        means = [tables.times(math.exp(statistics.mean(math.log(pair[side]) for pair in ratios))) for side in (0, 1)]
        rows.append(
            [f"**geometric mean of {len(ratios)}**", "", "", "", f"**{means[0]}**", "", "", f"**{means[1]}**", "", ""]
        )
    return tables.render(head, rows)


def beside(ours, theirs):
    return [tables.milliseconds(ours), tables.milliseconds(theirs), tables.times(theirs / ours)]
