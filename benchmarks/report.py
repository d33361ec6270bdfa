"""What a benchmark prints: progress on standard error while it runs, then a table and one line of JSON."""

import json
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_BEGIN = time.monotonic()


def tell(what: str) -> None:
    """A line of progress."""
    print(f"{time.monotonic() - _BEGIN:7.1f} s  {what}", file=sys.stderr, flush=True)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as they need be, the first to the left."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        first, *others = line
        print(first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)))


def finish(benchmark: str, **figures: Any) -> None:
    """The line of JSON."""
    print(json.dumps({"benchmark": benchmark, **figures}))


def verdict(held: bool) -> str:
    """Whether a goal was reached, said plainly."""
    return "held" if held else "MISSED"


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100).__int__() - 1)]


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def mean(values: Sequence[float]) -> float:
    """The average."""
    return statistics.fmean(values)


def rss(pid: int | str = "self") -> float:
    """Resident memory of a process, in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6
