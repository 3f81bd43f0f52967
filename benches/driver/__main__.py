"""`benches/run`: see `--help`."""

import argparse
import json
import os
import sys
import traceback
from pathlib import Path

from . import machine, program, tables
from .run import Bench
from .sections import answers, memory, replay, size, start, wire

SECTIONS = {"start": start, "replay": replay, "size": size, "wire": wire, "memory": memory, "answers": answers}
DOCUMENT = program.ROOT / "docs" / "performance.md"


def arguments():
    parser = argparse.ArgumentParser(
        prog="benches/run", description="Measures kore-lake beside its peers; writes docs/performance.md."
    )
    parser.add_argument(
        "sections", nargs="*", metavar="SECTION", help=f"which to measure, else all: {', '.join(SECTIONS)}"
    )
    parser.add_argument("--records", type=int, default=340_000, help="records of `replay` (default 340,000)")
    parser.add_argument("--large", type=int, default=5_000_000, help="records of the largest lake (default 5,000,000)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each thing is measured, in turn (default 5)")
    parser.add_argument(
        "--lake5m", type=Path, help="where the largest lake lies; made if absent (default: in the cache)"
    )
    parser.add_argument("--binary", type=Path, help="measure this kore-lake instead of building one")
    parser.add_argument(
        "--pages", type=Path, help="take the pipes from this binary of benches/src/bin/pages.rs instead of building it"
    )
    parser.add_argument("--render", action="store_true", help="measure nothing: write the tables from earlier results")
    parser.add_argument(
        "--check", action="store_true", help="see that the driver works, on little data: writes no table"
    )
    given = parser.parse_args()
    unknown = [name for name in given.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"expected sections {', '.join(SECTIONS)}, found {', '.join(unknown)}")
    return given


def main():
    given = arguments()
    cache = Path(os.environ["BENCH_CACHE"])
    if given.check:
        from . import check

        return check.main(given.binary)
    results = cache / "results"
    results.mkdir(parents=True, exist_ok=True)
    if not given.render:
        measure_all(given, cache, results)
    write_tables(results)
    return 0


def measure_all(given, cache, results):
    seconds = None
    as_given = given.binary
    if given.binary is None:
        print("building", flush=True)
        given.binary, seconds = program.build()
    bench = Bench(
        given.binary.resolve(),
        cache,
        given.rounds,
        given.records,
        given.large,
        given.lake5m or cache / "lake-large",
        seconds,
        given.pages,
        say=lambda text: print(text, flush=True),
    )
    for name in given.sections or SECTIONS:
        print(f"== {name}", flush=True)
        bench.results = {path.stem: json.loads(path.read_text()) for path in results.glob("*.json")}
        head = machine.facts(as_given)
        try:
            result = SECTIONS[name].measure(bench)
        except Exception as error:
            traceback.print_exc()
            result = {"failed": f"{type(error).__name__}: {error}"}
        (results / f"{name}.json").write_text(json.dumps(result | {"machine": head}, indent=1, ensure_ascii=False))


def write_tables(results):
    text = DOCUMENT.read_text()
    for name, section in SECTIONS.items():
        path = results / f"{name}.json"
        if not path.exists():
            continue
        result = json.loads(path.read_text())
        if "failed" in result:
            print(f"{name}: NOT MEASURED: {result['failed']}; its tables stay as they are", file=sys.stderr)
            continue
        for table, rendered in section.tables_of(result).items():
            text = tables.put(text, table, f"{head(result['machine'])}\n\n{rendered}")
    DOCUMENT.write_text(text)


def head(facts):
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return (
        f"{facts['date']}; {facts['cores']} cores of {facts['cpu']}, {facts['memory_bytes'] / 2**30:.0f} GiB, "
        f"{facts['kernel']}, load {facts['load_at_start']:.1f} before; {versions}."
    )


sys.exit(main())
