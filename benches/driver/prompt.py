"""kore-lake's prompt on a pseudo-terminal: how long each command took, by its own `\\timing`, in one process.

So later runs of a command are warm: the session is open, and what it keeps of the files is kept.
"""

import os
import pty
import re
import select
import time

TOOK = re.compile(rb"\(\d+ rows?, ([\d.]+) ms\)")
FAILED = re.compile(rb"error:[^\r\n]*")


def times(program, lake, commands, cores="", timeout=600):
    """Seconds of each command, in order. Raises RuntimeError where one fails or says nothing in time."""
    child, terminal = pty.fork()
    if child == 0:
        environment = os.environ | {"TERM": "dumb", "PAGER": "", "NO_COLOR": "1", "XDG_STATE_HOME": os.devnull}
        pinned = ["taskset", "-c", cores] if cores else []
        command = [*pinned, str(program), "query", "--lake", str(lake)]
        os.execvpe(command[0], command, environment)
    try:
        reader = Reader(terminal, timeout)
        reader.until(re.compile(rb"to leave\."))
        os.write(terminal, b"\\timing on\r")
        reader.until(re.compile(rb"Timing is on\."))
        found = []
        for command in commands:
            os.write(terminal, command.encode() + b"\r")
            found.append(float(reader.until(TOOK)[1]) / 1000)
        os.write(terminal, b"\\q\r")
        return found
    finally:
        os.close(terminal)
        os.waitpid(child, 0)


class Reader:
    """What the terminal shows, until something is there."""

    def __init__(self, terminal, timeout):
        self.terminal, self.timeout, self.text = terminal, timeout, b""

    def until(self, pattern):
        end = time.monotonic() + self.timeout
        while not (found := pattern.search(self.text)):
            if failed := FAILED.search(self.text):
                raise RuntimeError(failed[0].decode("utf-8", "replace"))
            ready, _, _ = select.select([self.terminal], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise RuntimeError(f"the prompt said nothing for {self.timeout} s: {self.text[-200:]!r}")
            self.text += self.read()
        self.text = self.text[found.end() :]
        return found

    def read(self):
        try:
            return os.read(self.terminal, 1 << 16) or self.ended()
        except OSError:
            return self.ended()

    def ended(self):
        raise RuntimeError(f"the prompt ended: {self.text[-300:]!r}")
