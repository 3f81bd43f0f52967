"""Reads a lake with DuckDB: conversations and answered agent legs by day.

    pip install duckdb pytz
    python examples/read_with_duckdb.py ./lake
"""

import sys

import duckdb

lake = sys.argv[1].rstrip("/")

# Both partition columns are declared: left to guess, an account `0012` would become the number 12.
duckdb.sql(f"""
    CREATE VIEW conversations AS
    SELECT * FROM read_parquet('{lake}/conversations/*/*/conversations.parquet',
        hive_partitioning = true, hive_types = {{'account_id': VARCHAR, 'session_date': DATE}})
""")

rows = duckdb.sql("""
    SELECT session_date,
           count(*) AS conversations,
           sum(len(list_filter(destinations, lambda d: d.responding_agent.accepted_time IS NOT NULL))) AS answered_legs
    FROM conversations
    GROUP BY session_date
    ORDER BY session_date
""").fetchall()

for session_date, conversations, answered_legs in rows:
    print(f"{session_date},{conversations},{answered_legs or 0}")
