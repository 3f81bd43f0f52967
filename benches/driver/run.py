"""What every section is given."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Bench:
    """`program` is the release binary, `pages` the one of the Rust pipes, `cache` a folder for
    data, `rounds` how often each thing is measured."""

    program: Path
    cache: Path
    rounds: int
    records: int
    large: int
    lake5m: Path
    build_seconds: float = None
    pages: Path = None
    check: bool = False
    results: dict = field(default_factory=dict)
    say: object = print

    def folder(self, name):
        """An empty folder below the cache."""
        folder = self.cache / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def lake(self, name="lake"):
        """A path at which there is nothing yet."""
        path = self.cache / name
        shutil.rmtree(path, ignore_errors=True)
        return path

    def free_bytes(self):
        return shutil.disk_usage(self.cache).free
