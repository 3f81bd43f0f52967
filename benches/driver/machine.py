"""What a table's head names: machine, versions, date."""

import datetime
import hashlib
import importlib.metadata
import os
import platform
import subprocess

from .program import ROOT

PEERS = ["duckdb", "pyarrow", "polars", "dlt", "orjson"]


def facts(binary=None):
    """`binary` is the program, where it was given and not built from this commit."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": first("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": int(first("/proc/meminfo", "MemTotal").split()[0]) * 1024,
        "kernel": f"{platform.system()} {platform.release()}",
        "load_at_start": os.getloadavg()[0],
        "versions": versions(binary),
    }


def versions(binary):
    found = {
        "kore-lake": f"binary {digest(binary)}" if binary else f"commit {commit()}",
        "Python": platform.python_version(),
    }
    for name in PEERS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def digest(path):
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def commit():
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=ROOT, capture_output=True, text=True
    )
    return described.stdout.strip() or "unknown"


def first(path, name):
    """The value of the first line of a file of `/proc` that begins with a name."""
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith(name):
                return line.split(":", 1)[1].strip()
    return "unknown"
