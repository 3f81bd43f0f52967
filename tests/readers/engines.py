"""Runs statements on DuckDB and Spark and compares every answer with DataFusion's.

usage: engines.py CASES

CASES is a JSON document: `setups`, by lake and engine the text that gives an engine its functions, tables and views; and
`cases`, each with its lake, a label, the statement of each engine, whether the order of rows counts, and DataFusion's
answer: columns with their types, and rows. Names and types of columns must be equal and so must every cell, floats to
1e-9. Prints a line an engine; exits 1 after naming all that differed.
"""

import datetime
import json
import math
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor

os.environ["TZ"] = "UTC"

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?$")
EPOCH = datetime.datetime(1970, 1, 1)

# A type as all engines' names say it.
TYPES = {
    "Utf8": "text", "VARCHAR": "text", "JSON": "text", "string": "text",
    "Int32": "int32", "INTEGER": "int32", "int": "int32",
    "Int64": "int64", "BIGINT": "int64", "bigint": "int64",
    "Float64": "float64", "DOUBLE": "float64", "double": "float64",
    "Boolean": "boolean", "BOOLEAN": "boolean", "boolean": "boolean",
    "Date32": "date", "DATE": "date", "date": "date",
    'Timestamp(µs, "UTC")': "moment", "TIMESTAMP WITH TIME ZONE": "moment", "timestamp": "moment",
    "Timestamp(µs)": "local time", "TIMESTAMP": "local time", "timestamp_ntz": "local time",
}  # fmt: skip


def canonical(value):
    """The same value from any engine: times as microseconds, dates as text."""
    if isinstance(value, str) and TIME.match(value):
        value = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    if isinstance(value, datetime.datetime):
        value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None) if value.tzinfo else value
        return ("time", (value - EPOCH) // datetime.timedelta(microseconds=1))
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value


def same(ours, theirs):
    if isinstance(ours, float) or isinstance(theirs, float):
        number = isinstance(ours, (int, float)) and isinstance(theirs, (int, float))
        return number and math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)
    return type(ours) is type(theirs) and ours == theirs


class DuckDb:
    def __init__(self):
        import duckdb

        self.connection = duckdb.connect()

    def set_up(self, text):
        self.connection.execute(text)

    def answer(self, sql):
        answer = self.connection.sql(sql)
        return [(name, str(kind)) for name, kind in zip(answer.columns, answer.types)], answer.fetchall()


class Spark:
    def __init__(self):
        from pyspark.sql import SparkSession

        # Hundreds of statements over few rows: to compile each, or to give each small file a task, takes longer than they do.
        settings = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.warehouse.dir": os.path.dirname(os.path.abspath(sys.argv[1])),
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
            "spark.sql.files.minPartitionNum": "1",
            "spark.sql.files.openCostInBytes": "0",
        }
        builder = SparkSession.builder.master("local[2]")
        for name, value in settings.items():
            builder = builder.config(name, value)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("OFF")

    def set_up(self, text):
        for statement in re.split(r";\s*\n", text):
            if statement.strip():
                try:
                    self.session.sql(statement)
                except Exception as error:
                    sys.exit(f"spark: {str(error)[:1000]}")

    def answer(self, sql):
        answer = self.session.sql(sql.strip().rstrip(";"))
        return answer.dtypes, [tuple(row) for row in answer.collect()]


def typed(columns):
    return [(name, TYPES.get(kind, kind)) for name, kind in columns]


def differences(case, columns, rows):
    """What differs between DataFusion's answer and another engine's; the first cell of each kind."""
    expected = typed(case["columns"])
    found = typed(columns)
    if expected != found:
        pairs = [f"{ours} became {theirs}" for ours, theirs in zip(expected, found) if ours != theirs]
        yield f"columns: {'; '.join(pairs) or f'{len(expected)} became {len(found)}'}"
        return
    ours = [[canonical(value) for value in row] for row in case["rows"]]
    theirs = [[canonical(value) for value in row] for row in rows]
    if not case["ordered"]:
        ours, theirs = sorted(ours, key=repr), sorted(theirs, key=repr)
    if len(ours) != len(theirs):
        yield f"rows: expected {len(ours)}, found {len(theirs)}"
        return
    for number, (our, their) in enumerate(zip(ours, theirs), 1):
        for (name, _), expected, found in zip(case["columns"], our, their):
            if not same(expected, found):
                yield f"row {number}, column {name}: expected {expected!r}, found {found!r} in {their}"
                return


def compare(name, engine, document):
    start, cells, rows, failures = time.time(), 0, 0, []
    for lake, setups in document["setups"].items():
        engine.set_up(setups[name])
        for case in (case for case in document["cases"] if case["lake"] == lake):
            try:
                columns, answer = engine.answer(case["sql"][name])
            except Exception as error:
                failures.append(f"{name}, {lake}, {case['label']}: {str(error)[:600]}")
                continue
            failures += [f"{name}, {lake}, {case['label']}: {text}" for text in differences(case, columns, answer)]
            rows += len(answer)
            cells += len(answer) * len(columns)
    print(f"{name}: {time.time() - start:.0f} s", file=sys.stderr)
    print(f"{name}: {len(document['cases'])} answers, {rows} rows, {cells} cells")
    return failures


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = json.load(file)
    # Spark takes no notice of a lock that Python holds, so both work side by side.
    with ThreadPoolExecutor() as pool:
        engines = [("duckdb", DuckDb), ("spark", Spark)]
        compared = [pool.submit(lambda name, engine: compare(name, engine(), document), *engine) for engine in engines]
        failures = [failure for engine in compared for failure in engine.result()]
    if failures:
        sys.exit("\n".join(failures))


main()
