"""Saved pages of 100 records: what `load --save-pages` writes, but full to the last but one.

The records are the simulator's generator's, in the order in which they began, each as the simulator wrote it, a hundred
to a page. `index.json` beside the folder tells records, pages and bytes; pages that are there already are taken as they
are. NDJSON of the same records, a line each, is for peers that cannot read pages, or not as fast; nobody's time counts
its making. In it each value already has the type of its column (`"4"` is 4 where the column is a number, free values
are text), since no peer but DuckDB takes values of two types.
"""

import datetime
import itertools
import json
import shutil
from pathlib import Path

from . import declared
from .simulator import ACCOUNT, FIRST_DAY, STREAM, Simulator, served

PER_PAGE = 100
WINDOW_RECORDS = 1_000


class Pages:
    """`folder` of saved pages, with their numbers."""

    def __init__(self, folder):
        self.folder = Path(folder)
        told = json.loads(index(self.folder).read_text())
        self.records, self.pages, self.bytes, self.days = (told[name] for name in ("records", "pages", "bytes", "days"))

    @property
    def ndjson(self):
        return self.folder.with_suffix(".ndjson")

    def facts(self):
        return {"records": self.records, "pages": self.pages, "bytes": self.bytes, "days": self.days}


def make(program, folder, records, days=7, seed=1, say=print):
    """Pages of at least `records` records that began within `days` days (7 at most), by a seed of the simulator."""
    folder = Path(folder)
    asked = {"asked": records, "asked_days": days, "seed": seed}
    if index(folder).exists() and asked.items() <= json.loads(index(folder).read_text()).items():
        return Pages(folder)
    say(f"making {records:,} records in pages, {days} days: {folder}")
    remove(folder)
    folder.mkdir(parents=True)
    options = [
        "--seed",
        seed,
        *served(program, records, days, seed),
        "--switch",
        "max-offset=none",
        "--switch",
        "order=ascending",
    ]
    with Simulator(program, *options) as simulator:
        taken = write(simulator, folder, records, days)
    index(folder).write_text(json.dumps(asked | taken | {"days": days}))
    return Pages(folder)


def write(simulator, folder, records, days):
    """Writes pages until there are `records` records, or no more."""
    taken, held, asked = {"records": 0, "pages": 0, "bytes": 0}, [], window(days)
    for record in all_records(simulator, days):
        held.append(record)
        if len(held) == PER_PAGE or taken["records"] + len(held) == records:
            put(simulator, folder, asked, held, taken)
            held = []
        if taken["records"] == records:
            return taken
    if held:
        put(simulator, folder, asked, held, taken)
    return taken


def put(simulator, folder, asked, held, taken):
    """One page more, and the numbers with it."""
    answer = f'{{"numResults":{simulator.rows},"data":[{",".join(held)}]}}'
    page = envelope(simulator.body(*asked), taken["pages"], answer.encode())
    (folder / f"{taken['pages']:06}.json").write_bytes(page)
    taken["records"] += len(held)
    taken["pages"] += 1
    taken["bytes"] += len(page)


def all_records(simulator, days):
    """The text of each record, as it came. Windows are short, since the simulator looks through all of one for each
    page of it.
    """
    begin, end = (datetime.datetime.fromisoformat(time) for time in window(days))
    step = datetime.timedelta(seconds=max(1, days * 86_400 * WINDOW_RECORDS // simulator.rows))
    while begin <= end:
        last = min(begin + step - datetime.timedelta(seconds=1), end)
        for offset in itertools.count():
            found = list(split(simulator.page(str(begin), str(last), offset).decode()))
            yield from found
            if len(found) < PER_PAGE:
                break
        begin += step


def split(answer):
    """The texts of the records of an answer."""
    scan, at = json.JSONDecoder().raw_decode, answer.index('"data":[') + len('"data":[')
    while answer[at] == "{":
        _, end = scan(answer, at)
        yield answer[at:end]
        at = end + 1 if answer[end] == "," else end


def envelope(body, offset, answer):
    request = {
        "api": "v2",
        "account_id": ACCOUNT,
        "stream_id": STREAM,
        "offset": offset,
        "limit": PER_PAGE,
        "body": body,
    }
    head = {"kore_lake_page": 1, "request": request, "fetched_at": "2026-04-01T00:00:00Z"}
    return json.dumps(head)[:-1].encode() + b',"body":' + answer + b"}\n"


def make_ndjson(pages, say=print):
    """The records of the pages, a line each, in a file beside the folder."""
    if pages.ndjson.exists():
        return pages.ndjson
    say("making NDJSON of the same records, for those that cannot read pages")
    part = pages.ndjson.with_suffix(".part")
    shape = ("struct", declared.columns())
    with part.open("w", encoding="utf-8") as file:
        for path in sorted(pages.folder.glob("*.json")):
            for record in json.loads(path.read_bytes())["body"]["data"]:
                file.write(compact(fitted(record, shape)) + "\n")
    part.rename(pages.ndjson)
    return pages.ndjson


def fitted(value, type_, time=str):
    """A value with its column's type, times as `time` makes them of text; keys that nobody declares stay as they are."""
    if value is None:
        return None
    if type_ in ("string", "json"):
        return value if isinstance(value, str) and type_ == "string" else compact(value)
    if isinstance(type_, str):
        return {"int32": int, "float64": float, "boolean": truth, "timestamp": time}[type_](value)
    kind, inner = type_
    if kind == "list":
        return [fitted(element, inner, time) for element in value]
    types = dict(inner)
    return {key: fitted(member, types[key], time) if key in types else member for key, member in value.items()}


def truth(value):
    return value if isinstance(value, bool) else str(value).upper() in ("YES", "TRUE")


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def remove(folder):
    """Takes pages away, to make room."""
    folder = Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    for beside in (index(folder), folder.with_suffix(".ndjson")):
        beside.unlink(missing_ok=True)


def index(folder):
    return folder.with_suffix(".index.json")


def window(days):
    """First and last second of the days."""
    first = datetime.date.fromisoformat(FIRST_DAY)
    last = first + datetime.timedelta(days=days - 1)
    return f"{first} 00:00:00", f"{last} 23:59:59"
