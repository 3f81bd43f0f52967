"""Compares a lake as DuckDB, Spark and pyarrow read it with what `kore-lake query --format ndjson` printed.

usage: compare.py LAKE NDJSON DUCKDB_DDL SPARK_DDL

Every column of every row is compared, nested ones too; times as microseconds of UTC. Prints one line an engine and
exits 1 on the first difference.
"""

import datetime
import json
import os
import re
import sys
import tempfile

os.environ["TZ"] = "UTC"

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


def microseconds(time):
    if time.tzinfo is None:
        time = time.replace(tzinfo=datetime.timezone.utc)
    return (time - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)


def canonical(value):
    """The same value from any engine: null members left out, times as their microseconds, dates as text."""
    if isinstance(value, dict):
        return {key: canonical(member) for key, member in value.items() if member is not None}
    if isinstance(value, (list, tuple)):
        return [canonical(element) for element in value]
    if isinstance(value, datetime.datetime):
        return {"time": microseconds(value)}
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, str) and TIME.match(value):
        return {"time": microseconds(datetime.datetime.fromisoformat(value.replace("Z", "+00:00")))}
    return value


def keyed(rows):
    table = {}
    for row in rows:
        row = canonical(row)
        key = (row["account_id"], row["session_id"], row.get("conversation_id"))
        if key in table:
            sys.exit(f"key twice: {key}")
        table[key] = row
    return table


def duckdb_rows(lake, ddl):
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(open(ddl).read())
    cursor = connection.execute("SELECT * FROM conversations")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def spark_rows(lake, ddl):
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.sql.warehouse.dir", tempfile.gettempdir())
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    for statement in re.split(r";\s*\n", open(ddl).read()):
        if statement.strip():
            spark.sql(statement)
    return [row.asDict(recursive=True) for row in spark.sql("SELECT * FROM conversations").collect()]


def pyarrow_rows(lake, ddl):
    import pyarrow
    from pyarrow import dataset

    partitioning = dataset.partitioning(
        pyarrow.schema([("account_id", pyarrow.string()), ("session_date", pyarrow.date32())]), flavor="hive"
    )
    return dataset.dataset(f"{lake}/conversations", format="parquet", partitioning=partitioning).to_table().to_pylist()


def compare(engine, expected, found):
    if expected.keys() != found.keys():
        sys.exit(f"{engine}: keys differ: {list(expected.keys() ^ found.keys())[:5]}")
    for key, row in expected.items():
        for name in row.keys() | found[key].keys():
            if row.get(name) != found[key].get(name):
                sys.exit(f"{engine}: {key}, column {name}: expected {row.get(name)!r}, found {found[key].get(name)!r}")
    print(f"{engine}: {len(found)} rows agree")


def main():
    lake, ndjson, duckdb_ddl, spark_ddl = sys.argv[1:]
    with open(ndjson, encoding="utf-8") as lines:
        expected = keyed(json.loads(line) for line in lines)
    compare("duckdb", expected, keyed(duckdb_rows(lake, duckdb_ddl)))
    compare("pyarrow", expected, keyed(pyarrow_rows(lake, None)))
    compare("spark", expected, keyed(spark_rows(lake, spark_ddl)))


main()
