"""`python -m tests.drills.table`: the drills for Earshot and for two plain listeners, as a table and a line of JSON.

A row is a kind of fault. Figures are sums over RUNS plays of different seeds; for each listener: posts lost (ids not
accounted for), edits and deletions unseen, alerts lost, alerts told twice.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.drills.drill import Strike, Verdict, drill
from tests.drills.nemesis import MAKERS
from tests.drills.play import script
from tests.drills.zygote import Zygote

LISTENERS = ("earshot", "plain", "plain, catch_up")
COLUMNS = ("ids", "edits", "deletions", "alerts lost", "alerts doubled")
NO_FAULT = "no fault"
SUM = "all together"
# Over the whole of a longer play: what the promise of lateness (P3) is measured on.
MUTE = "pushes lost, 30 % of channels"
MUTE_THROUGHOUT = f"{MUTE}, throughout"
MUTE_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Case:
    """One run."""

    fault: str
    seed: int
    listener: str


@dataclass(slots=True)
class Row:
    """What is published of one fault and one listener."""

    fault: str
    listener: str
    runs: int = 0
    posts: int = 0
    losses: Counter[str] = field(default_factory=Counter)
    worst_lag: float = 0.0
    longest_recovery: float = 0.0

    def add(self, verdict: Verdict) -> None:
        """Count one more run."""
        self.runs += 1
        self.posts += verdict.posts
        self.losses.update(finding.kind for finding in verdict.findings)
        self.worst_lag = max(self.worst_lag, verdict.worst_lag or 0.0)
        self.longest_recovery = max(self.longest_recovery, verdict.recovery)

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "fault": self.fault,
            "listener": self.listener,
            "runs": self.runs,
            "posts": self.posts,
            "losses": {column: self.losses[column] for column in (*COLUMNS, "other")},
            "worst_lag": round(self.worst_lag, 3),
            "longest_recovery": round(self.longest_recovery, 3),
        }

    def figures(self) -> list[str]:
        """The cells, as strings."""
        return [str(self.losses[column]) for column in COLUMNS]


async def run_case(zygote: Zygote, case: Case) -> Verdict:
    """One run, in a folder of its own. The same seed is the same play and the same fault for every listener."""
    rng = random.Random(f"{case.fault} {case.seed}")
    if case.fault == MUTE_THROUGHOUT:
        strikes = [Strike(0.0, replace(MAKERS[MUTE](rng), lasts=MUTE_SECONDS))]
        play = script(case.seed, seconds=MUTE_SECONDS, acts=100)
    else:
        strikes = [] if case.fault == NO_FAULT else [Strike(rng.uniform(0.2, 1.0), MAKERS[case.fault](rng))]
        play = script(case.seed, voices=max((strike.nemesis.voices for strike in strikes), default=0))
    with tempfile.TemporaryDirectory(prefix="drill-") as folder:
        return await drill(zygote, Path(folder) / "earshot", play=play, strikes=strikes, listener=case.listener)


_ZYGOTES: list[Zygote] = []


def _work(case: Case) -> tuple[Case, Verdict]:
    if not _ZYGOTES:
        _ZYGOTES.append(Zygote())
    return case, asyncio.run(run_case(_ZYGOTES[0], case))


def rows_of(results: Iterable[tuple[Case, Verdict]], total: int) -> dict[tuple[str, str], Row]:
    """Sums by fault and listener; a line of progress for each run."""
    rows: dict[tuple[str, str], Row] = {}
    for number, (case, verdict) in enumerate(results, start=1):
        losses = len(verdict.findings)
        sys.stderr.write(f"{number}/{total} {case.fault}, seed {case.seed}, {case.listener}: {losses} findings\n")
        name = (case.fault, case.listener)
        rows.setdefault(name, Row(*name)).add(verdict)
        if case.listener == LISTENERS[0] and verdict.findings:
            sys.stderr.write(f"\n{case.fault}, seed {case.seed}:\n{verdict.text()}\n")
    return rows


HEADINGS = ("fault", "runs", "posts", "posts lost", "edits unseen", "deletions unseen", "alerts lost", "alerts doubled")


def table_of(rows: dict[tuple[str, str], Row], faults: Sequence[str]) -> str:
    """The table as docs/reliability.md has it: in each cell Earshot / plain / plain with catch_up."""
    lines = [HEADINGS, tuple("---" if place == 0 else "---:" for place in range(len(HEADINGS)))]
    for fault in [*faults, SUM]:
        of_fault = [rows[fault, listener] for listener in LISTENERS]
        cells = (" / ".join(cell) for cell in zip(*(row.figures() for row in of_fault), strict=True))
        lines.append((fault, str(of_fault[0].runs), str(of_fault[0].posts), *cells))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def add_sums(rows: dict[tuple[str, str], Row]) -> None:
    """A row for each listener that sums all faults up."""
    for listener in LISTENERS:
        total = Row(SUM, listener)
        for row in [row for row in rows.values() if row.listener == listener]:
            total.runs, total.posts = total.runs + row.runs, total.posts + row.posts
            total.losses += row.losses
        rows[SUM, listener] = total


def main() -> None:
    """Run, show, and end with 1 when Earshot missed anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="plays for each fault and listener")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--fault", action="append", help="only these, by name")
    options = parser.parse_args()
    faults = options.fault or [NO_FAULT, MUTE_THROUGHOUT, *sorted(MAKERS, key=str.lower)]
    cases = [Case(fault, seed, who) for fault in faults for seed in range(1, options.runs + 1) for who in LISTENERS]
    start = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
        rows = rows_of(pool.imap_unordered(_work, cases), len(cases))
    add_sums(rows)
    say = sys.stdout.write
    say(f"Each cell: {' / '.join(LISTENERS)}\n\n{table_of(rows, faults)}\n\n")
    if (mute := rows.get((MUTE_THROUGHOUT, LISTENERS[0]))) is not None:
        say(f"Worst lag with pushes off for 30 % of channels: {mute.worst_lag:.2f} s, at a sweep every 1 s\n")
    say(f"{len(cases)} runs in {time.monotonic() - start:.0f} s\n")
    say(json.dumps([row.as_json() for row in rows.values()], ensure_ascii=False) + "\n")
    sys.exit(bool(sum(rows[SUM, LISTENERS[0]].losses.values())))


if __name__ == "__main__":
    main()
