"""Hostile recordings: ten thousand files bent by chance, a few hundred of them through the whole speech process.

Every file is decoded by the product's own decoder in a process confined as the speech process is, which dies at the
first attempt to open a file or a socket or to start a program (tests/speech/audited.py). Beside the files lies a victim
that some of them name; its sound is looked for in all that comes out, and it is decoded now and then, so that it also
lies about in freed memory. Goals: no process ends, nothing is opened, nothing foreign is heard, each file is decoded or
refused with a known name, and memory stays below the limit.
"""

import argparse
import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from benchmarks import report
from bot.errors import ChildDied, MediaRefused
from bot.sandbox.stage import GENERAL, SPEECH_MODEL
from bot.speech import LocalTranscriber, SpeechSettings
from tests.speech.audited import MEMORY_BYTES, REASONS, AuditedDecoder, Outcome, write_victim
from tests.speech.bent import Bent, bent

SEED = 20261123
# Of the speech process: the small model and a recording of a minute.
_SPEECH_MEMORY = 1_500_000_000
_TOGETHER = 4
_FAULTS = ("crashed", "stuck", "opened something", "foreign sound", "unnamed")


@dataclass(slots=True)
class Audit:
    """What became of the files."""

    outcomes: Counter[str] = field(default_factory=Counter)
    worst_peak: tuple[int, str] = (0, "")
    worst_cpu: tuple[float, str] = (0.0, "")

    def add(self, file: Bent, outcome: Outcome) -> None:
        """Count one; what is no outcome that may be is told at once, with the number that makes the file again."""
        what = f"file {file.number} ({file.how})"
        self.outcomes[outcome.what] += 1
        self.worst_peak = max(self.worst_peak, (outcome.peak, what))
        self.worst_cpu = max(self.worst_cpu, (outcome.cpu, what))
        if not outcome.good:
            report.tell(f"{what}: {outcome.what}: {outcome.text}")


def files(folder: Path, count: int, victim: Path, *, first: int = 0) -> Iterator[tuple[Bent, Path]]:
    """The files of the series one after the other, each where the one before was removed."""
    for number in range(first, first + count):
        file = bent(number, seed=SEED, victim=victim)
        path = folder / f"voice-{number}.ogg"
        path.write_bytes(file.data)
        yield file, path
        path.unlink()
        if number % 1000 == 999:
            report.tell(f"{number + 1:,} files")


def audited(folder: Path, victim: Path, count: int, *, first: int = 0) -> Audit:
    """Decode under audit."""
    audit = Audit()
    with AuditedDecoder(victim) as decoder:
        for file, path in files(folder, count, victim, first=first):
            audit.add(file, decoder.decode(path))
    return audit


async def transcribed(folder: Path, victim: Path, count: int) -> tuple[Counter[str], float, float, bool]:
    """Through the whole speech process, some at a time.

    Gives the outcomes, the growth of this process and the peak of the other in MB, and whether a voice note was heard
    after all that.
    """
    outcomes: Counter[str] = Counter()
    settings = SpeechSettings(
        model=str(SPEECH_MODEL),
        models_folder=folder / "models",
        device="cpu",
        threads=1,
        max_bytes=20_000_000,
        max_seconds=60.0,
        memory_bytes=_SPEECH_MEMORY,
    )
    transcriber = LocalTranscriber(settings)
    await transcriber.start()
    before, peak = report.rss(), 0.0
    waiting = list(range(count))

    async def work() -> None:
        nonlocal peak
        while waiting:
            file = bent(waiting.pop(), seed=SEED, victim=victim)
            path = folder / f"voice-{file.number}.ogg"
            path.write_bytes(file.data)
            outcome = await _heard(transcriber, path)
            outcomes[outcome] += 1
            if outcome not in REASONS | {"transcribed"}:
                report.tell(f"file {file.number} ({file.how}): {outcome}")
            if transcriber.pid is not None:
                peak = max(peak, _peak(transcriber.pid))
            path.unlink()

    await asyncio.gather(*(work() for _ in range(_TOGETHER)))
    grown = report.rss() - before
    well = await _heard(transcriber, GENERAL) == "transcribed"
    await transcriber.close()
    return outcomes, grown, peak, well


async def _heard(transcriber: LocalTranscriber, path: Path) -> str:
    try:
        heard = await transcriber.transcribe(path, language="ru", declared_seconds=None)
    except MediaRefused as refused:
        return refused.reason
    except ChildDied as death:
        return f"the speech process died: {death}"
    return "transcribed" if path != GENERAL or "министр" in heard.text else "misheard"


def _peak(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")), 0.0)


def run(count: int, whole: int) -> None:
    """Bend, decode, and print."""
    with tempfile.TemporaryDirectory(prefix="bench-media-") as name:
        folder = Path(name)
        victim = folder / "victim.mov"
        write_victim(victim)
        audit = audited(folder, victim, count)
        report.tell(f"{whole} through the speech process")
        outcomes, grown, peak, well = asyncio.run(transcribed(folder, victim, whole))
    rows = sorted(audit.outcomes | outcomes)
    report.table(
        ["outcome", "decoded under audit", "speech process"],
        [[row, f"{audit.outcomes[row]:,}", f"{outcomes[row]:,}"] for row in rows],
    )
    faults = sum(audit.outcomes[fault] for fault in _FAULTS)
    deaths = sum(number for outcome, number in outcomes.items() if outcome not in REASONS | {"transcribed"})
    print(
        f"goal 0 of {count:,} crashed, stuck, opened, foreign or without a name: {faults}: {report.verdict(faults == 0)}"
    )
    print(f"goal 0 of {whole:,} ended the speech process: {deaths}: {report.verdict(deaths == 0 and well)}")
    most = audit.worst_peak[0] / 1e6
    held = audit.worst_peak[0] < MEMORY_BYTES and peak < _SPEECH_MEMORY / 1e6
    print(
        f"goal memory below the limit: decoder {most:.0f} of {MEMORY_BYTES / 1e6:.0f} MB, speech process {peak:.0f} of "
        f"{_SPEECH_MEMORY / 1e6:.0f} MB: {report.verdict(held)}; this process grew by {grown:.1f} MB"
    )
    print(f"most memory: {audit.worst_peak[1]}; most CPU: {audit.worst_cpu[0]:.2f} s, {audit.worst_cpu[1]}")
    report.finish(
        "media_fuzz",
        seed=SEED,
        files=count,
        outcomes=dict(audit.outcomes),
        faults=faults,
        peak_mb=round(most),
        cpu_s=round(audit.worst_cpu[0], 2),
        through_speech=dict(outcomes),
        deaths=deaths,
        speech_peak_mb=round(peak),
        daemon_growth_mb=round(grown, 1),
        heard_afterwards=well,
    )


def main() -> None:
    """`--quick`: 500 files and 20. `--number N`: that one file, and what becomes of it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument(
        "--number", type=int, metavar="N", help="decode one file of the series and say what becomes of it"
    )
    parser.add_argument("--files", type=int, metavar="N", help="so many under audit (10000)")
    parser.add_argument("--whole", type=int, metavar="N", help="so many through the speech process (300)")
    given = parser.parse_args()
    if given.number is None:
        count, whole = (500, 20) if given.quick else (10_000, 300)
        run(count if given.files is None else given.files, whole if given.whole is None else given.whole)
        return
    with tempfile.TemporaryDirectory(prefix="bench-media-") as name:
        victim = Path(name) / "victim.mov"
        write_victim(victim)
        file = bent(given.number, seed=SEED, victim=victim)
        path = Path(name) / "voice.ogg"
        path.write_bytes(file.data)
        with AuditedDecoder(victim) as decoder:
            print(file.how, decoder.decode(path), sep="\n")


if __name__ == "__main__":
    main()
