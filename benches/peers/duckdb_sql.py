"""A statement in DuckDB: set up once, first run and later runs timed, or its rows compared with kore-lake's.

usage: duckdb_sql.py SETUP.sql STATEMENT.sql THREADS RUNS
       duckdb_sql.py SETUP.sql STATEMENT.sql THREADS --compare OURS.parquet

Prints one line of JSON. Timed: `seconds` (connecting, setup and first run, as a fresh process has it; without the start
of Python), `setup`, `first`, and `later`, a list. Compared: `rows`, and `difference`, none where all rows are equal:
floats within 1e-9 of one another, order left aside.
"""

import datetime
import json
import math
import pathlib
import sys
import time

import duckdb


def connected(setup, threads):
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}; SET TimeZone = 'UTC'")
    connection.execute(setup)
    return connection


def timed(connection, statement):
    began = time.perf_counter()
    connection.execute(statement).fetchall()
    return time.perf_counter() - began


def canonical(value):
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None).isoformat()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return value


def order(row):
    return [(value is None, f"{value:.6g}" if isinstance(value, float) else str(value)) for value in row]


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    return a == b


def compare(connection, statement, ours):
    sides = [connection.execute(sql).fetchall() for sql in (statement, f"SELECT * FROM read_parquet('{ours}')")]
    theirs, found = (sorted(([canonical(value) for value in row] for row in rows), key=order) for rows in sides)
    told = {"rows": len(found), "difference": None}
    if len(theirs) != len(found):
        told["difference"] = f"{len(found)} rows, DuckDB {len(theirs)}"
    for a, b in zip(found, theirs):
        if not all(map(same, a, b)) or len(a) != len(b):
            told["difference"] = f"{a} beside DuckDB's {b}"[:500]
            break
    return told


def main():
    setup, statement = (pathlib.Path(path).read_text() for path in sys.argv[1:3])
    threads, runs = sys.argv[3:5]
    began = time.perf_counter()
    connection = connected(setup, threads)
    if runs == "--compare":
        print(json.dumps(compare(connection, statement, sys.argv[5])))
        return
    ready = time.perf_counter() - began
    first = timed(connection, statement)
    later = [timed(connection, statement) for _ in range(int(runs))]
    print(json.dumps({"seconds": ready + first, "setup": ready, "first": first, "later": later}))


main()
