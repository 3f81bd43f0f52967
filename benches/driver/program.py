"""Where the measured programs come from: cargo's release build, the Rust pipes of `pages`, Python with the peers."""

import json
import os
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "benches" / "peers"


class Missing(Exception):
    """Something that is to be measured cannot be had; the text says why."""


def build():
    """Builds the release binary. Gives its path and the seconds cargo took, None where it had nothing to build."""
    began = time.perf_counter()
    messages = cargo("build", "--release", "--locked", "--bin", "kore-lake")
    found = [message for message in messages if message.get("executable") and message["target"]["name"] == "kore-lake"]
    fresh = all(message["fresh"] for message in found)
    return Path(found[-1]["executable"]), None if fresh else time.perf_counter() - began


def pages():
    """The executable of `benches/src/bin/pages.rs`. Raises [Missing]."""
    if not (ROOT / "benches" / "Cargo.toml").exists():
        raise Missing("the package `benches` is not there")
    messages = cargo("build", "--release", "--locked", "--package", "kore-lake-benches", "--bin", "pages")
    found = [message for message in messages if message.get("executable") and message["target"]["name"] == "pages"]
    if not found:
        raise Missing("cargo told of no executable `pages`")
    return Path(found[-1]["executable"])


def cargo(*arguments):
    """Runs cargo and gives what it tells of each thing it built."""
    command = ["cargo", *arguments, "--message-format=json-render-diagnostics"]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if ended.returncode:
        raise Missing(f"cargo {' '.join(arguments)}: status {ended.returncode}")
    messages = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    return [message for message in messages if message.get("reason") == "compiler-artifact"]


def python(script, *arguments):
    """The command of a peer's script."""
    return [os.environ["BENCH_PYTHON"], PEERS / script, *arguments]


def told(script, *arguments):
    """Runs a script that is not measured, and gives the JSON that it prints."""
    ended = subprocess.run([str(part) for part in python(script, *arguments)], capture_output=True, text=True)
    if ended.returncode:
        raise Missing(f"{script}: {ended.stderr.strip()[-600:]}")
    return json.loads(ended.stdout.strip().splitlines()[-1])
