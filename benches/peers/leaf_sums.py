"""Sums over every leaf of a Parquet file or folder, to compare two that name columns differently.

usage: leaf_sums.py PATH ours|api

Prints one line of JSON: `rows`, and by leaf (in kore-lake's names) the sum of a hash of its values; nulls count
nothing. `ours` reads kore-lake's columns, `api` those that peers write. Left out is what the two are not asked to write
alike: free values (JSON text, spelt differently), `reason` with its aliases, what the API sends as text (`isVoicemail`,
`attempt`), and, in an `AgentSegment`, the agent.
"""

import json
import pathlib
import sys

import duckdb

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from driver import declared

LEFT_OUT = {"reason", *declared.AS_TEXT}


def leaves(schema, entries, named, value, path):
    """Pairs of a leaf's name and the SQL of its sum; `value` is the SQL of the object that holds `entries`."""
    for entry in entries:
        if entry.get("key") is None or entry["key"] in LEFT_OUT or "json" in (entry["type"], entry.get("element")):
            continue
        member = f'{value}."{entry[named]}"' if value else f'"{entry[named]}"'
        name = [*path, entry["name"]]
        if value and path == ["destinations"] and entry["key"] == "respondingAgent":
            kind = f'{value}."{"destination_type" if named == "name" else "destinationType"}"'
            member = f"(CASE WHEN {kind} IS DISTINCT FROM 'AgentSegment' THEN {member} END)"
        yield from summed(schema, entry, named, member, name)


def summed(schema, entry, named, member, name):
    is_list, kind = entry["type"] == "list", entry["type"]
    inner, kind = (f"x{len(name)}", entry["element"]) if is_list else (member, kind)
    if kind == "struct":
        found = leaves(schema, schema["structs"][entry["struct"]], named, inner, name)
    else:
        found = [(".".join(name), hashed(kind, inner))]
    for leaf, sql in found:
        yield leaf, f"coalesce(list_sum(list_transform({member}, lambda {inner}: {sql})), 0)" if is_list else sql


def hashed(kind, value):
    value = f"epoch_us({value})" if kind == "timestamp" else value
    return f"(CASE WHEN {value} IS NULL THEN 0 ELSE CAST(hash({value}) % 4294967296 AS BIGINT) END)"


def main():
    path, names = sys.argv[1:]
    schema = json.loads(declared.SCHEMA.read_text())
    named = {"ours": "name", "api": "key"}[names]
    found = list(leaves(schema, schema["columns"], named, "", []))
    source = f"{path}/**/conversations.parquet" if pathlib.Path(path).is_dir() else path
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    sums = ", ".join(f"sum({sql})" for _, sql in found)
    row = connection.execute(
        f"SELECT count(*), {sums} FROM read_parquet('{source}', hive_partitioning = false)"
    ).fetchone()
    print(json.dumps({"rows": row[0], "sums": {leaf: str(total) for (leaf, _), total in zip(found, row[1:])}}))


main()
