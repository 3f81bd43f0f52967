"""Bytes a record of what the section `replay` wrote last."""

from .. import tables
from . import replay


def measure(bench):
    earlier = bench.results.get("replay")
    if not earlier or "failed" in earlier:
        raise RuntimeError("it takes what `replay` wrote: run that section first")
    return {"shared_bytes": earlier["shared_bytes"], "data": earlier["data"]}


def tables_of(result):
    base = result["shared_bytes"].get(replay.BASE)
    rows = []
    for name, told in result["shared_bytes"].items():
        whole, shared = (told[part] / told["rows"] for part in ("all", "shared"))
        ratios = [
            tables.times(value * base["rows"] / base[part]) if base else "–"
            for value, part in ((whole, "all"), (shared, "shared"))
        ]
        rows.append([name, f"{told['rows']:,}", f"{whole:.1f}", ratios[0], f"{shared:.1f}", ratios[1]])
    head = ["", "records", "bytes a record, whole files", "× DuckDB", "of the leaves that all have", "× DuckDB"]
    said = (
        "zstd 1, row groups of 131,072 rows. kore-lake's files also have unknown keys, hash, flags and times of the "
        "fetch; in its lake each day is a file."
    )
    return {"size": f"{said}\n\n{tables.render(head, rows)}"}
