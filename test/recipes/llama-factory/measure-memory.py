"""Converts one part and prints the most memory that took, in bytes: `measure-memory.py <working directory> <part> <sha256> <records>`."""

import re
import sys
from pathlib import Path

code, part, sha256, records = sys.argv[1:]
sys.path.insert(0, code)

from tuning.dataset import write_split  # noqa: E402

entry = {"key": part, "sha256": sha256, "records": int(records)}
counts = write_split([entry], lambda key: open(key, "rb"), Path(part + ".jsonl"))
assert counts.written == int(records), counts
# `getrusage` would count what the parent had when it started this process.
print(int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text()).group(1)) * 1024)
