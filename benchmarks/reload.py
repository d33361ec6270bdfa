"""What does a changed rule among 10,000 cost, and a start? `make bench-reload`

A rule file is changed and the folder is taken up again as the daemon does it: all files are read, what has changed is
compiled, tests inside the changed file are run, the index is exchanged. Once with 100 rules in each of 100 files, as
teams keep them, and once with all 10,000 in one. Then a start in a process of its own, without and with the forms that
an earlier one has kept. Goals: a changed rule 200 ms, all rules 250 MB.
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
from bot.app.forms_file import parse_with_forms
from bot.config import read_rules
begun = time.process_time()
parse_with_forms(read_rules(Path(sys.argv[1])), Path(sys.argv[2]), keep=True)
print(time.process_time() - begun)
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


async def reload(folder: Path, files: Sequence[Path]) -> dict[str, float]:
    """Median milliseconds from a changed file to the rules in force, by the clock and by the processor."""
    before = report.rss()
    texts = read_rules(folder)
    holder: Any = Holder(parse_rules(texts))
    memory = report.rss() - before

    async def silence(_: str) -> None:
        return None

    say: Callable[[str], Awaitable[None]] = silence
    watch = RulesWatch(folder, holder, Pulse(asyncio.Event()), texts=texts, say=say, tell=say)
    wall, processor = [], []
    for number in range(ROUNDS):
        file = files[(number * 37) % len(files)]
        file.write_text(file.read_text().replace("match: '", f"match: 'ракетчик{number} OR ", 1))
        old = holder.rules
        clock, spent = time.perf_counter(), time.process_time()
        await watch.look(at_once=True)
        wall.append((time.perf_counter() - clock) * 1000)
        processor.append((time.process_time() - spent) * 1000)
        if holder.rules is old:
            raise SystemExit("the change was not taken up")
    return {"wall_ms": report.median(wall), "cpu_ms": report.median(processor), "worst_ms": max(wall), "rss_mb": memory}


def start(folder: Path, data: Path) -> float:
    """Processor seconds that a new process needs for the rules."""
    command = [sys.executable, "-c", START, str(folder), str(data)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


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
        for files in (100, 1):
            write(base / str(files), made, count // files)
            one = asyncio.run(reload(base / str(files), sorted((base / str(files)).iterdir())))
            figures[f"{files} files"] = one
            rows.append([f"{files}", *(f"{one[key]:,.0f}" for key in ("wall_ms", "cpu_ms", "worst_ms", "rss_mb"))])
            report.tell(f"{files} files: {one['wall_ms']:.0f} ms")
        bare, kept = (start(base / "100", base / "data") for _ in range(2))
    report.table(["files", "a changed rule, ms", "of processor", "worst of 7", "all rules, MB"], rows)
    print(f"a start takes {bare:.1f} s of processor time without kept forms, {kept:.1f} s with them")
    many = figures["100 files"]
    print(f"goal {GOAL_MS:.0f} ms for a changed rule: {report.verdict(many['wall_ms'] <= GOAL_MS)}")
    print(f"goal {GOAL_MB:.0f} MB for {count:,} rules: {report.verdict(many['rss_mb'] <= GOAL_MB)}")
    report.finish("reload", unit="ms", rules=count, reload=figures, start_s={"bare": bare, "kept": kept})


if __name__ == "__main__":
    main()
