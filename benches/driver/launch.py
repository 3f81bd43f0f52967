"""Starts one command and writes what it took, as JSON, to the file named first.

A process begins with the peak of memory of the one that starts it, so this one is small: it imports next to nothing.
"""

import json
import os
import sys
import time

report, *command = sys.argv[1:]
began = time.perf_counter()
process = os.posix_spawnp(command[0], command, os.environ)
_, status, usage = os.wait4(process, 0)
took = {
    "status": os.waitstatus_to_exitcode(status),
    "wall": time.perf_counter() - began,
    "cpu": usage.ru_utime + usage.ru_stime,
    "peak_bytes": usage.ru_maxrss * 1024,
}
with open(report, "w") as file:
    json.dump(took, file)
