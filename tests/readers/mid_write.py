"""Reads a day again and again while it is replaced, by DuckDB or Spark, and counts what it saw.

usage: mid_write.py ENGINE LAKE BEGUN END

Makes the file BEGUN after its first read and ends when the file END is there, or the test that started it is gone. The versions of the day have one value throughout in `user_id`, another in each version:
a read that sees two of them is mixed. Prints one line of JSON.
"""

import json
import os
import sys

SQL = "SELECT min(user_id), max(user_id), min(channel), max(channel), count(*), min(_content_hash) FROM {}"


def duckdb_reader(lake):
    import duckdb

    connection = duckdb.connect()
    sql = SQL.format(f"read_parquet('{lake}/**/*.parquet', hive_partitioning = true)")
    return lambda: connection.execute(sql).fetchone()


def spark_reader(lake):
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.sql.files.maxPartitionBytes", str(256 * 1024)).getOrCreate()

    def read():
        spark.read.parquet(f"{lake}/conversations").createOrReplaceTempView("conversations")
        return spark.sql(SQL.format("conversations")).collect()[0]

    return read


def main(engine, lake, begun, end):
    parent = os.getppid()
    read = {"duckdb": duckdb_reader, "spark": spark_reader}[engine](lake)
    read()
    open(begun, "w").close()
    told = {"reads": 0, "mixed": 0, "errors": 0, "versions": 0}
    versions, texts = set(), {}
    while not os.path.exists(end) and os.getppid() == parent:
        told["reads"] += 1
        try:
            low, high, low_channel, high_channel, *_ = read()
        except Exception as error:
            told["errors"] += 1
            text = f"{type(error).__name__}: {error}".splitlines()[0][:120]
            texts[text] = texts.get(text, 0) + 1
            continue
        told["mixed"] += low != high or low_channel != high_channel
        versions.add(low)
    told["versions"] = len(versions)
    print(json.dumps({**told, "texts": texts}))


main(*sys.argv[1:])
