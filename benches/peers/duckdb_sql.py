"""A statement in DuckDB: first run and later runs timed, or its rows compared with kore-lake's.

usage: duckdb_sql.py DATABASE --setup SETUP.sql
       duckdb_sql.py DATABASE STATEMENT.sql THREADS RUNS
       duckdb_sql.py DATABASE STATEMENT.sql THREADS --compare OURS.parquet

Views and functions are made once and kept in a database file, which nobody's time counts. Prints one line of JSON.
Timed: `seconds` (opening that file and the first run, as a fresh process has it; without the start of Python) and
`later`, a list. Compared: `rows`, and `difference`, none where all rows are equal: floats within 1e-9 of one another,
order left aside.
"""

import datetime
import json
import math
import pathlib
import sys
import time

import duckdb


def connected(database, threads):
    connection = duckdb.connect(database, read_only=True)
    # Off as it comes; on, later runs read no footer again.
    connection.execute(f"SET threads = {threads}; SET TimeZone = 'UTC'; SET parquet_metadata_cache = true")
    return connection


def set_up(database, setup):
    began = time.perf_counter()
    duckdb.connect(database).execute(pathlib.Path(setup).read_text())
    print(json.dumps({"seconds": time.perf_counter() - began}))


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
    database, statement = sys.argv[1:3]
    if statement == "--setup":
        set_up(database, sys.argv[3])
        return
    statement, (threads, runs) = pathlib.Path(statement).read_text(), sys.argv[3:5]
    began = time.perf_counter()
    connection = connected(database, threads)
    if runs == "--compare":
        print(json.dumps(compare(connection, statement, sys.argv[5])))
        return
    connection.execute(statement).fetchall()
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "later": [timed(connection, statement) for _ in range(int(runs))]}))


main()
