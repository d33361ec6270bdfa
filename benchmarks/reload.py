"""What does a changed rule among 10,000 cost, and a start? `make bench-reload`

A rule file is changed and the folder is taken up again as the daemon does it: all files are read, what has changed is
compiled, tests inside the changed rule are run, the index is exchanged. Once with 100 rules in each of 100 files, as
teams keep them, once with 1,000 in each of ten, and once with all 10,000 in one; and each with a line put in at the top
besides, so that every rule of the file stands elsewhere. Then a start in a process of its own, without and with the
forms that an earlier one has kept, and what memory that process has. Goals: a changed rule 200 ms, a process with all
rules 250 MB, dictionaries included.
"""

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.rules import SEED, queries, vocabulary
from bot.app.rules import spare_collector
from bot.app.rules_watch import RulesWatch
from bot.config import read_rules
from bot.pulse import Pulse
from bot.rules import RuleSet, parse_rules

ROUNDS = 7
GOAL_MS = 200.0
GOAL_MB = 250.0
START = """
import sys, time
from pathlib import Path
from benchmarks.report import rss
from bot.app.forms_file import parse_with_forms
from bot.config import read_rules
begun = time.process_time()
parse_with_forms(read_rules(Path(sys.argv[1])), Path(sys.argv[2]), keep=True)
print(time.process_time() - begun, rss())
"""


class Holder:
    """What the watch asks of a monitor: the rules in force."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules


def write(folder: Path, made: list[tuple[str, str]], per_file: int) -> None:
    """The rules as files, each with a test of its own, as rules should have."""
    folder.mkdir()
    for first in range(0, len(made), per_file):
        rules = (
            f"  - {{id: r{first + n}, match: '{query}', tests: {{no_match: [ничего]}}}}\n"
            for n, (query, _) in enumerate(made[first : first + per_file])
        )
        (folder / f"f{first:05}.yaml").write_text("rules:\n" + "".join(rules))


async def reload(folder: Path, files: Sequence[Path], *, moving: bool) -> dict[str, float]:
    """Median milliseconds from a changed file to the rules in force, by the clock and by the processor.

    `moving`: a line is put in above the rules, too.
    """
    texts = read_rules(folder)
    holder: Any = Holder(parse_rules(texts))

    async def silence(_: str) -> None:
        return None

    say: Callable[[str], Awaitable[None]] = silence
    # As the service does once the rules are compiled.
    spare_collector()
    watch = RulesWatch(folder, holder, Pulse(asyncio.Event()), texts=texts, say=say, tell=say)
    wall, processor = [], []
    for number in range(ROUNDS):
        file = files[(number * 37) % len(files)]
        text = file.read_text().replace("match: '", f"match: 'ракетчик{number}{'а' * moving} OR ", 1)
        file.write_text(f"# {number}\n{text}" if moving else text)
        old = holder.rules
        clock, spent = time.perf_counter(), time.process_time()
        await watch.look(at_once=True)
        wall.append((time.perf_counter() - clock) * 1000)
        processor.append((time.process_time() - spent) * 1000)
        if holder.rules is old:
            raise SystemExit("the change was not taken up")
    return {"wall_ms": report.median(wall), "cpu_ms": report.median(processor), "worst_ms": max(wall)}


def start(folder: Path, data: Path) -> tuple[float, float]:
    """Processor seconds that a new process needs for the rules, and the memory it has then, in MB."""
    command = [sys.executable, "-c", START, str(folder), str(data)]
    seconds, memory = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-2:]
    return float(seconds), float(memory)


def main() -> None:
    """`--quick`: 1,000 rules."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    count = 1_000 if parser.parse_args().quick else 10_000
    rng = random.Random(SEED)
    made = queries(rng, vocabulary(rng).nouns, count)
    rows, figures = [], {}
    with tempfile.TemporaryDirectory(prefix="bench-reload-") as name:
        base = Path(name)
        (base / "data").mkdir()
        for files in (100, 10, 1):
            folder = base / str(files)
            write(folder, made, count // files)
            for moving in (False, True):
                one = asyncio.run(reload(folder, sorted(folder.iterdir()), moving=moving))
                what = f"{files}, lines moved" if moving else str(files)
                figures[what] = one
                rows.append([what, *(f"{one[key]:,.0f}" for key in ("wall_ms", "cpu_ms", "worst_ms"))])
                report.tell(f"{what}: {one['wall_ms']:.0f} ms")
        bare, kept = (start(base / "100", base / "data") for _ in range(2))
    report.table(["files", "a changed rule, ms", "of processor", f"worst of {ROUNDS}"], rows)
    print(f"a start takes {bare[0]:.1f} s of processor time without kept forms, {kept[0]:.1f} s with them")
    print(f"a process with all rules has {bare[1]:.0f} MB without kept forms, {kept[1]:.0f} MB with them")
    slowest = max(one["wall_ms"] for one in figures.values())
    print(f"goal {GOAL_MS:.0f} ms for a changed rule, however they lie: {report.verdict(slowest <= GOAL_MS)}")
    print(f"goal {GOAL_MB:.0f} MB for {count:,} rules: {report.verdict(max(bare[1], kept[1]) <= GOAL_MB)}")
    report.finish(
        "reload",
        unit="ms",
        rules=count,
        reload=figures,
        start_s={"bare": bare[0], "kept": kept[0]},
        process_mb={"bare": bare[1], "kept": kept[1]},
    )


if __name__ == "__main__":
    main()
