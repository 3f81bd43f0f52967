"""Peak memory of `load` and `replay` by records, into a few days and into one, and of a merge into the largest day.

At the default `--memory-limit`. What the disk has no room for is left out and named.
"""

from .. import pages, tables
from ..measure import Contestant, Failed, bytes_of, run, summary
from ..simulator import Simulator, served
from .replay import remove
from .wire import loading

DAYS = {"a week": 7, "one day": 1}
# Bytes of saved pages, of lake and staging, a record; measured.
PAGE_BYTES = 2_500
LAKE_BYTES = 700


def measure(bench):
    sizes = [1_000] if bench.check else sorted({100_000, 1_000_000, bench.large})
    result = {"runs": {}, "left_out": []}
    for span, days in DAYS.items():
        for records in sizes:
            one = f"{records}/{span}"
            result["runs"][one] = {
                "load": load(bench, result, records, days),
                "replay": replay(bench, result, records, days),
            }
            if days == 1 and records == sizes[-1]:
                result["merge"] = merge(bench, result, records)
    return result


def room(bench, result, what, needed):
    """Whether the disk has room; says so where it has none."""
    if bench.free_bytes() > needed * 1.2:
        return True
    said = f"{what}: needs {needed / 1e9:.0f} GB of disk, {bench.free_bytes() / 1e9:.0f} are free"
    bench.say(f"  NOT MEASURED: {said}")
    result["left_out"].append(said)
    return False


def lake_of(bench, days, records):
    """The largest week is kept: `answers` asks it."""
    return bench.lake5m if days > 1 and records == bench.large else bench.cache / "memory" / f"lake-{days}"


def load(bench, result, records, days):
    lake = lake_of(bench, days, records)
    if not room(bench, result, f"load of {records:,} records into {days} days", records * LAKE_BYTES):
        return None
    with Simulator(bench.program, *served(bench.program, records, days)) as simulator:
        command = loading(bench, simulator, lake, "--rate", 0, "--concurrency", 4)
        return taken(bench, f"load {records:,}, {days} days", command, lake, simulator.environment)


def replay(bench, result, records, days):
    """Pages of the largest lake are written only if there is room, and go at once."""
    what = f"replay of {records:,} records into {days} days"
    if not room(bench, result, what, records * (PAGE_BYTES + LAKE_BYTES)):
        return None
    data = pages.make(bench.program, bench.cache / "memory-pages", records, days, say=bench.say)
    lake = bench.cache / "memory" / "lake-replay"
    told = taken(bench, what, [bench.program, "replay", data.folder, "--lake", lake, "--quiet"], lake, {})
    pages.remove(data.folder)
    remove(lake)
    return told


def merge(bench, result, records):
    """A few new rows of other seconds into the day that `load` has filled."""
    lake = lake_of(bench, 1, records)
    if not lake.exists():
        return None
    few = 1_000
    data = pages.make(bench.program, bench.cache / "memory-few", few, 1, seed=2, say=bench.say)
    what = f"merge of {data.records:,} rows into a day of {records:,}"
    told = taken(bench, what, [bench.program, "replay", data.folder, "--lake", lake, "--quiet"], lake, {}, keep=True)
    pages.remove(data.folder)
    remove(lake)
    return told | {"new": data.records}


def taken(bench, what, command, lake, environment, keep=False):
    """One run: memory does not vary as time does. Gives `failed` where it fails."""
    lake.parent.mkdir(parents=True, exist_ok=True)
    if not keep:
        remove(lake)
    try:
        found = summary([run(Contestant(what, command, environment, after=lambda: {"lake_bytes": bytes_of(lake)}))])
    except Failed as error:
        bench.say(f"  FAILED {error}")
        return {"failed": str(error)}
    bench.say(f"  {what}: {found['peak_bytes'] / 1e6:.0f} MB, {found['wall']:.1f} s")
    return found


def tables_of(result):
    head = [
        "records",
        "into",
        "load: peak MB",
        "load: s",
        "load: CPU s",
        "replay: peak MB",
        "replay: s",
        "replay: CPU s",
    ]
    rows = []
    for one, told in result["runs"].items():
        records, span = one.split("/")
        rows.append([f"{int(records):,}", span, *cells(told["load"]), *cells(told["replay"])])
    if result.get("merge"):
        merged = result["merge"]
        rows.append([f"{merged.get('new', '')} new", "the largest day, a merge", "", "", "", *cells(merged)])
    said = "Default `--memory-limit`, one run each."
    left_out = "".join(f"\n\nNot measured: {reason}." for reason in result["left_out"])
    return {"memory": f"{said}\n\n{tables.render(head, rows)}{left_out}"}


def cells(told):
    if told is None:
        return ["no room", "", ""]
    if "failed" in told:
        return [f"failed: {' '.join(told['failed'].split())[:200]}", "", ""]
    return [tables.megabytes(told["peak_bytes"]), tables.seconds(told["wall"]), tables.seconds(told["cpu"])]
