"""`select 1` with DuckDB, the start of Python and all."""

import duckdb

duckdb.sql("select 1").fetchall()
