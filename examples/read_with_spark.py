"""Reads a lake with Spark: conversations and answered agent legs by day.

    pip install pyspark            # needs a Java runtime
    python examples/read_with_spark.py ./lake
"""

import sys

from pyspark.sql import SparkSession

lake = sys.argv[1].rstrip("/")

spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.sql.session.timeZone", "UTC")
    # Both partition columns are declared below the paths; guessing would turn an account `0012` into 12.
    .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
    .config("spark.ui.enabled", "false")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")

spark.read.parquet(f"{lake}/conversations").createOrReplaceTempView("conversations")

rows = spark.sql("""
    SELECT CAST(session_date AS DATE) AS session_date,
           count(*) AS conversations,
           sum(size(filter(coalesce(destinations, array()), d -> d.responding_agent.accepted_time IS NOT NULL))) AS answered_legs
    FROM conversations
    GROUP BY session_date
    ORDER BY session_date
""").collect()

for row in rows:
    print(f"{row.session_date},{row.conversations},{row.answered_legs or 0}")

spark.stop()
