"""What transcribing costs on this machine, beside the obvious loop: the same recordings, the same model, in turns.

Processor seconds of all threads are the measure, for on a shared machine the clock says little; on a GPU it is the clock,
for there the processor waits. The contenders take turns within each round, and the median of the rounds counts. Ours run in
this process, which keeps its buffers as the speech process does; the obvious loop runs in one as it is everywhere else.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import ctranslate2

from bot.speech.commands.plain import plain_loop
from bot.speech.commands.turn import Contender, Gist, Turn, timed, written
from bot.speech.local.asks import Ask, Decode, Encode, Hearing, Together, Work
from bot.speech.local.driver import Driver
from bot.speech.local.heap import keep_buffers
from bot.speech.local.hearing import hear
from bot.speech.local.model import Model
from bot.speech.settings import Manner
from bot.speech.sound.decode import Sound, decode
from bot.transcript import Transcript

LOOP = "faster-whisper, defaults"
SAME = "faster-whisper, our options"
FLOOR = "encode and generate alone"
ALONE = "ours, one at a time"
EXACT = "ours, exact"
EXACT_1 = "ours, exact, beam 1"
FITTED = "ours, fitted"
FITTED_1 = "ours, fitted, beam 1"

_MOST_BYTES = 512 * 1024 * 1024
_MOST_SECONDS = 3600.0
# As `hearing` has them: one try, and one hotter.
_TEMPERATURES = (0.0, 0.4)

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Times:
    """Seconds of a contender, one of each round, and what it made of each recording in the last one."""

    processor: list[float] = field(default_factory=list)
    clock: list[float] = field(default_factory=list)
    heard: list[Gist] = field(default_factory=list)

    def seconds(self, *, on_gpu: bool) -> float:
        """The median of what counts on this machine."""
        return median(self.clock if on_gpu else self.processor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """What came out, by the contenders' names."""

    # Seconds of sound in all recordings together.
    sound: float
    rounds: int
    on_gpu: bool
    times: dict[str, Times]

    def seconds(self, name: str) -> float:
        """What a contender needs for all recordings."""
        return self.times[name].seconds(on_gpu=self.on_gpu)

    def times_as_fast(self, name: str, than: str = LOOP) -> float:
        """How many times as fast one is as another."""
        return self.seconds(than) / self.seconds(name)

    def equal(self, name: str, other: str) -> bool:
        """Whether two made the same of every recording, to the last digit."""
        return self.times[name].heard == self.times[other].heard

    def alike(self, name: str, other: str) -> bool:
        """Whether two wrote the same words."""
        return _texts(self.times[name].heard) == _texts(self.times[other].heard)


def contenders(folder: Path, *, device: str, compute_type: str, workers: int, batch: int) -> dict[str, Contender]:
    """All of them, on the model in `folder`; each runs `workers` calls side by side at most, on one thread each.

    More threads a call make faster-whisper's loop quicker by the clock and dearer by the processor, so it has one too.
    From then on this process keeps its buffers (`keep_buffers`).
    """
    keep_buffers()
    model = Model(str(folder), device=device, compute_type=compute_type, workers=workers, threads=1)
    loop = plain_loop(folder, device=device, compute_type=compute_type)
    manner = Manner(words=False)

    def ours(manner: Manner) -> Contender:
        driver: Driver[Transcript] = Driver(model, workers=workers, beam_size=manner.beam_size, batch=batch)
        return partial(timed, lambda paths: together(driver, model, paths, manner))

    return {
        LOOP: loop(),
        SAME: loop(**_our_options(manner)),
        FLOOR: _Floor(model, manner),
        ALONE: partial(timed, lambda paths: [gist(alone(model, path, manner)) for path in paths]),
        EXACT: ours(manner),
        EXACT_1: ours(replace(manner, beam_size=1)),
        FITTED: ours(replace(manner, fitted=True)),
        FITTED_1: ours(replace(manner, fitted=True, beam_size=1)),
    }


def race(
    entered: dict[str, Contender],
    paths: Sequence[Path],
    *,
    rounds: int,
    on_gpu: bool = False,
    told: Callable[[str], None] = lambda what: None,
) -> Race:
    """Let them run `rounds` times, in turns, after one recording each that does not count; `told` hears of progress."""
    result = Race(
        sound=sum(read(path).seconds for path in paths),
        rounds=rounds,
        on_gpu=on_gpu,
        times={name: Times() for name in entered},
    )
    for run in entered.values():
        if isinstance(run, _Floor):
            run.prepare(paths)
        run(paths[:1])
    for number in range(rounds):
        for name, run in entered.items():
            turn, times = run(paths), result.times[name]
            times.processor.append(turn.processor)
            times.clock.append(turn.clock)
            times.heard = turn.heard
            told(f"round {number + 1} of {rounds}: {name}, {turn.processor:.2f} processor s")
    return result


def on_gpu(device: str) -> bool:
    """Whether the settings' `device` is a GPU on this machine."""
    return device == "cuda" or (device == "auto" and ctranslate2.get_cuda_device_count() > 0)


def together(driver: Driver[Transcript], model: Model, paths: Sequence[Path], manner: Manner) -> list[Gist]:
    """All recordings at once."""
    for number, path in enumerate(paths):
        driver.post(partial(driver.add, number, _file(model, path, manner), 30.0))
    found: dict[int, Transcript] = {}
    for number, transcript in driver.run():
        found[number] = transcript
        if len(found) == len(paths):
            break
    return [gist(found[number]) for number in range(len(paths))]


def alone(model: Model, path: Path, manner: Manner, asked: Callable[[Ask], None] = lambda ask: None) -> Transcript:
    """One recording, nothing beside it; `asked` hears of everything that it needs of the model."""
    return _alone(model, _file(model, path, manner), manner.beam_size, asked)


def gist(transcript: Transcript) -> Gist:
    """What two ways of transcribing must agree in."""
    return written(transcript.segments)


def read(path: Path) -> Sound:
    """The sound of a recording; MediaRefused when it has none."""
    return decode(path, max_bytes=_MOST_BYTES, max_seconds=_MOST_SECONDS)


def front_milliseconds(model: Model, paths: Sequence[Path]) -> float:
    """Processor milliseconds for each second of sound, for decoding and the spectrogram."""
    sound = 0.0
    begun = time.process_time()
    for path in paths:
        opened = read(path)
        model.features(opened.samples)
        sound += opened.seconds
    return 1000 * (time.process_time() - begun) / sound


class _Floor:
    """What no pipeline can be cheaper than at batch 1: the model's own calls, from spectrogram to tokens."""

    def __init__(self, model: Model, manner: Manner) -> None:
        self._model = model
        self._manner = manner
        self._asks: dict[Path, list[Ask]] = {}

    def prepare(self, paths: Sequence[Path]) -> None:
        """See what each recording needs: windows to encode and to decode."""
        for path in paths:
            asks: list[Ask] = []
            alone(self._model, path, self._manner, asks.append)
            self._asks[path] = [ask for ask in asks if not isinstance(ask, Work)]

    def __call__(self, paths: Sequence[Path]) -> Turn:
        """Give each recording that, and nothing else."""
        return timed(self._run, paths)

    def _run(self, paths: Sequence[Path]) -> list[Gist]:
        for path in paths:
            for ask in self._asks[path]:
                _answered(self._model, ask, self._manner.beam_size)
        return []


def _file(model: Model, path: Path, manner: Manner) -> Hearing[Transcript]:
    sound: Sound = yield Work(partial(read, path), front=True)
    return (yield from hear(model, sound, manner, "", hint=None))


def _alone(model: Model, hearing: Hearing[T], beam_size: int, asked: Callable[[Ask], None]) -> T:
    """Its result; pieces that might go side by side go one after the other."""
    answer: Any = None
    while True:
        try:
            ask = hearing.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        if isinstance(ask, Together):
            answer = [_alone(model, one, beam_size, asked) for one in ask.hearings]
        else:
            asked(ask)
            answer = _answered(model, ask, beam_size)


def _answered(model: Model, ask: Ask, beam_size: int) -> Any:
    if isinstance(ask, Work):
        return ask.run()
    if isinstance(ask, Encode):
        return model.encode_all([ask.window])[0]
    if isinstance(ask, Decode):
        return model.decode_all([ask.asked], limit=ask.limit, beam_size=beam_size, temperature=ask.temperature)[0]
    raise TypeError(f"there is nobody to answer {ask}")


def _our_options(manner: Manner) -> dict[str, Any]:
    return {
        "beam_size": manner.beam_size,
        "temperature": _TEMPERATURES,
        "vad_filter": True,
        "condition_on_previous_text": False,
    }


def _texts(heard: Sequence[Gist]) -> list[str]:
    return ["".join(part[0] for part in one).strip() for one in heard]
