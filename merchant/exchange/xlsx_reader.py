"""The rows of a workbook's first sheet as JSON lines on standard output; the workbook comes on standard input.

A program of its own, run by spreadsheets.py with nothing of ours imported: a workbook can be made to unpack to far more
than it says, and its reader keeps a whole sheet in memory. Both then end this process, and no other.
"""

import json
import math
import resource
import sys
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from python_calamine import CalamineWorkbook

MAX_MEMORY_BYTES = 1 << 30  # 100,000 rows of 40 columns take a third of it
MAX_CPU_S = 60


def main(most_rows: int, most_columns: int) -> None:
    """Write each row, up to one more than the most there may be."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with CalamineWorkbook.from_filelike(sys.stdin.buffer) as workbook:
        sheet = workbook.get_sheet_by_index(0)
        for row in islice(sheet.iter_rows(), most_rows + 1):  # the empty ones above the first included
            sys.stdout.write(json.dumps([cell_text(cell) for cell in row[: most_columns + 1]]) + "\n")
    sys.stdout.flush()


def cell_text(value: Any) -> str:
    """A cell as text: whole numbers without a point, days as YYYY-MM-DD."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        whole = math.isfinite(value) and value == int(value) and abs(value) < 1e15
        return str(int(value)) if whole else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return "" if isinstance(value, timedelta) else str(value)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
