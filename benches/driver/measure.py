"""Runs commands as processes of their own and tells what each took.

A [Run] has wall seconds, CPU seconds (user and system, children that were waited for too) and the peak of resident
memory in bytes, all from `os.wait4` in `launch.py`, so nothing of the driver is in them. A command that prints a line of JSON as its
last line of standard output tells `seconds` of its own there: what its work took without the start of an interpreter
and its imports.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path


LAUNCH = Path(__file__).with_name("launch.py")


class Failed(Exception):
    """A measured command ended in an error; the text says which and how."""


@dataclass
class Run:
    """What one process took."""

    wall: float
    cpu: float
    peak_bytes: int
    told: dict = field(default_factory=dict)
    output: str = ""

    @property
    def seconds(self):
        """Seconds of the work: as the process told them, else from its start to its end."""
        return self.told.get("seconds", self.wall)


@dataclass
class Contestant:
    """A command that is measured. `prepare` is called before each round, and `after` tells of what it left, as members
    of `told`.
    """

    name: str
    command: list
    environment: dict = field(default_factory=dict)
    cores: str = ""
    prepare: object = None
    after: object = None
    accepts: tuple = (0,)
    timeout: float = 3600


def run(contestant):
    """Runs it once. Raises [Failed] where it does not end with a status that it `accepts`."""
    if contestant.prepare:
        contestant.prepare()
    pinned = ["taskset", "-c", contestant.cores] if contestant.cores else []
    command = pinned + [str(part) for part in contestant.command]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.NamedTemporaryFile() as report:
        # A session of its own, so that a command that lasts too long ends with all it started.
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", LAUNCH, report.name, *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=os.environ | contestant.environment,
            start_new_session=True,
        )
        wait(process, contestant.timeout)
        text, errors, took = content(out), content(err), told(content(report))
    status = took.get("status", "none")
    if status not in contestant.accepts:
        raise Failed(f"{contestant.name}: status {status}: {last_lines(errors or text)}")
    left = contestant.after() if contestant.after else {}
    return Run(took["wall"], took["cpu"], took["peak_bytes"], told(text) | left, text)


def wait(process, timeout):
    """Waits; kills what takes longer than `timeout` seconds."""
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def interleaved(contestants, rounds, say=print):
    """Runs A B C A B C …, `rounds` times. Gives by name the runs, or a text that says why there are none: one that
    fails is out.
    """
    runs = {one.name: [] for one in contestants}
    failed = {}
    for _ in range(rounds):
        for one in contestants:
            if one.name in failed:
                continue
            try:
                taken = run(one)
                runs[one.name].append(taken)
                say(f"  {one.name}: {taken.seconds:.2f} s, {taken.cpu:.2f} s of CPU, {taken.peak_bytes / 1e6:.0f} MB")
            except Failed as error:
                failed[one.name] = str(error)
                say(f"  FAILED {error}")
    return {name: failed.get(name, taken) for name, taken in runs.items()}


def summary(runs):
    """Medians of some runs, the range of seconds, and what the last one told."""
    return {
        "seconds": statistics.median(run.seconds for run in runs),
        "seconds_least": min(run.seconds for run in runs),
        "seconds_most": max(run.seconds for run in runs),
        "wall": statistics.median(run.wall for run in runs),
        "cpu": statistics.median(run.cpu for run in runs),
        "peak_bytes": max(run.peak_bytes for run in runs),
        "rounds": len(runs),
        "told": runs[-1].told,
    }


def summaries(results):
    """The summary of each contestant's runs; one that failed has `failed` alone."""
    return {name: {"failed": runs} if isinstance(runs, str) else summary(runs) for name, runs in results.items()}


def told(text):
    """The object on the last line, if that is one."""
    lines = text.strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def content(file):
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def last_lines(text, count=4):
    return " / ".join(text.strip().splitlines()[-count:])[-600:] or "it said nothing"


def bytes_of(path):
    """Bytes of a file, or of all files below a folder."""
    path = Path(path)
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
