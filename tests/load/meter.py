"""What an operation costs: CPU time of a process tree from /proc or of this process, and memory as the sum of
proportional shares.
"""

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROUNDS = 5
_ROUND_S = 0.1  # long enough that the clock's grain does not show
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def family(*roots: int) -> set[int]:
    """The processes and all their living descendants."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            parents[int(entry.name)] = int(stat[1])
    found = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def cpu_s(pids: set[int]) -> float:
    """User and system time the processes have used, with that of children they have waited for."""
    total = 0
    for pid in pids:
        if stat := _stat(pid):
            total += sum(int(field) for field in stat[11:15])
    return total / _TICKS_PER_S


def memory_mb(pids: set[int]) -> float:
    """Proportional set size: what these processes really take, shared pages counted once."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def rate_per_s(do: Callable[[], Any]) -> float:
    """Operations per CPU second in this process: the median of five rounds after a first that warms up."""
    count, spent = 1, _spent_s(do, 1)
    while spent < _ROUND_S:
        count = max(2 * count, int(count * _ROUND_S / max(spent, 1e-4)))
        spent = _spent_s(do, count)
    return statistics.median(count / _spent_s(do, count) for _ in range(ROUNDS))


def _spent_s(do: Callable[[], Any], count: int) -> float:
    began = time.process_time()
    for _ in range(count):
        do()
    return time.process_time() - began
