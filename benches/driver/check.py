"""`benches/run --check`: that the driver still works, on little data, with DuckDB and pyarrow alone; seconds, and no
table is written.

It measures nothing worth knowing, but goes the ways of the real run: pages, peers, comparison, a wrong peer found out,
prompt, tables.
"""

import json
import tempfile
from pathlib import Path

from . import machine, program, tables
from .run import Bench
from .sections import answers, memory, replay, size, start, wire

DOCUMENT = program.ROOT / "docs" / "performance.md"


def main(binary):
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        bench = Bench(binary.resolve(), cache, 1, 1_000, 1_000, cache / "lake-large", check=True)
        text, head = DOCUMENT.read_text(), machine.facts()
        for name, section in [
            ("start", start),
            ("replay", replay),
            ("size", size),
            ("wire", wire),
            ("memory", memory),
            ("answers", answers),
        ]:
            # Results are written as JSON and rendered from it.
            result = json.loads(json.dumps(section.measure(bench)))
            bench.results[name] = result
            for table, rendered in section.tables_of(result).items():
                text = tables.put(text, table, rendered)
                if "not measured" in rendered.lower() or "failed" in rendered:
                    raise SystemExit(f"benches/run --check: {table}:\n{rendered}")
        found_out(bench)
        assert head["versions"]["duckdb"] != "not installed"
    print("benches/run --check: the driver works")
    return 0


def found_out(bench):
    """A file that lacks a record, and one whose values differ, must not pass as equal."""
    told = program.told("leaf_sums.py", bench.cache / "out" / "lake", "ours")
    assert not replay.difference(told, told)
    assert "rows" in replay.difference(told, told | {"rows": told["rows"] - 1})
    for leaf in ("session_id", "destinations.queue_name", "destinations.responding_agent.interaction_duration"):
        assert told["sums"][leaf] not in ("0", "None"), leaf
        assert replay.difference(told, told | {"sums": told["sums"] | {leaf: "1"}}) == leaf
