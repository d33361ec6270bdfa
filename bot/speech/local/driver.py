"""Several recordings on their way through one model, each at its own pace.

On a processor the encoder gains nothing from company and the decoder two to three times (docs/performance.md): so windows
are encoded one by one and decoded up to `batch` together. Who waits to be decoded waits for those that are being
encoded, for no longer than two of them take. A long recording is many windows, between which the short ones pass.
"""

import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, Generic, TypeVar

from bot.speech.local.asks import Ask, Decode, Encode, Hearing, Signal, Together, Work
from bot.speech.local.model import Model

# Seconds for which a window waits for company, at least and at most.
_PATIENCE = 0.2
_MOST_PATIENCE = 3.0
# A window of a recording of so many seconds lets pass what comes within a fifth of them, up to two minutes.
_COURTESY = 0.2
_MOST_COURTESY = 120.0
# What is done first: what sets others free, then what gets a recording ready, then windows.
_DECODE, _FRONT, _ENCODE = range(3)

T = TypeVar("T")
Ended = Iterator[tuple[int, T]]


@dataclass(slots=True, eq=False)
class _Traveller(Generic[T]):
    """A recording on its way, or a part of one; `seconds` of sound of the whole, as far as is known."""

    name: int
    hearing: Hearing[T]
    seconds: float
    # Of a part: the others, and its place among them.
    party: "_Party[T] | None" = None
    place: int = 0


@dataclass(slots=True, eq=False)
class _Party(Generic[T]):
    """Parts of a recording that go side by side, and what those that are at their end returned."""

    whole: _Traveller[T]
    answers: list[Any]
    missing: int


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[T]):
    """One who asked for what others may share, and when (time.monotonic)."""

    traveller: _Traveller[T]
    ask: Any
    since: float


class Driver(Generic[T]):
    """Runs hearings. Everything but `post` belongs to the thread that goes through `run`."""

    def __init__(self, model: Model, *, workers: int, beam_size: int, batch: int) -> None:
        """`workers`: calls to the model that run side by side; `batch`: most windows in one call."""
        self._model = model
        self._beam_size = beam_size
        self._batch = batch
        # A graphics card is not filled by one window.
        self._encode_batch = batch if model.on_gpu else 1
        self._tasks: queue.PriorityQueue[tuple[int, float, int, Callable[[], None]]] = queue.PriorityQueue()
        self._events: queue.SimpleQueue[Callable[[], Ended[T]]] = queue.SimpleQueue()
        self._order = count()
        self._groups: defaultdict[tuple[object, ...], list[_Waiting[T]]] = defaultdict(list)
        # Those who wait for a word.
        self._parked: dict[int, _Traveller[T]] = {}
        # Calls on their way whose recordings may yet ask to be decoded.
        self._coming = 0
        self._encode_seconds = 0.0
        # One more than the model has use for, so that files are read while it works.
        for _ in range(workers + 1):
            threading.Thread(target=self._work, daemon=True).start()

    def post(self, event: Callable[[], Ended[T]]) -> None:
        """Have `event` called in the thread of `run`, which yields what it yields."""
        self._events.put(event)

    def add(self, name: int, hearing: Hearing[T], seconds: float) -> Ended[T]:
        """Set a hearing of about so many seconds of sound going; (name, result) if it is at its end already."""
        return self._resume(_Traveller(name, hearing, seconds), partial(next, hearing))

    def answer(self, name: int, word: object) -> Ended[T]:
        """Send a hearing the word that it asked for."""
        traveller = self._parked.pop(name)
        return self._resume(traveller, partial(traveller.hearing.send, word))

    def run(self) -> Ended[T]:
        """(name, result) of each hearing that comes to its end, for ever. Raises what a hearing raises."""
        while True:
            try:
                event = self._events.get(timeout=self._patience() if self._groups else None)
            except queue.Empty:
                event = _nothing
            yield from event()
            self._close_groups()

    def _resume(self, traveller: _Traveller[T], step: Callable[[], Ask]) -> Ended[T]:
        try:
            ask = step()
        except StopIteration as end:
            yield from self._ended(traveller, end.value)
            return
        if isinstance(ask, Together):
            yield from self._part(traveller, ask)
            return
        if isinstance(ask, Work):
            self._call(_FRONT if ask.front else _ENCODE, ask.run, [traveller], coming=True)
            return
        if isinstance(ask, Signal):
            self._parked[traveller.name] = traveller
            return
        key = ("decode", *ask.key) if isinstance(ask, Decode) else ("encode", *ask.window.shape)
        self._groups[key].append(_Waiting(traveller, ask, time.monotonic()))

    def _part(self, traveller: _Traveller[T], ask: Together) -> Ended[T]:
        count = len(ask.hearings)
        party = _Party(traveller, [None] * count, count)
        if not count:
            yield from self._resume(traveller, partial(traveller.hearing.send, []))
        for place, hearing in enumerate(ask.hearings):
            one = _Traveller(traveller.name, hearing, traveller.seconds, party, place)
            yield from self._resume(one, partial(next, hearing))

    def _ended(self, traveller: _Traveller[T], value: Any) -> Ended[T]:
        party = traveller.party
        if party is None:
            yield traveller.name, value
            return
        party.answers[traveller.place] = value
        party.missing -= 1
        if not party.missing:
            yield from self._resume(party.whole, partial(party.whole.hearing.send, party.answers))

    def _close_groups(self) -> None:
        """Set going what is complete, or has waited long enough."""
        for key in sorted(self._groups, key=lambda key: self._groups[key][0].since):
            waiting = self._groups[key]
            most = self._batch if key[0] == "decode" else self._encode_batch
            alone = key[0] == "encode" and most == 1
            while waiting and (alone or len(waiting) >= most or self._is_over(waiting[0])):
                self._go(waiting[:most])
                del waiting[:most]
            if not waiting:
                del self._groups[key]

    def _is_over(self, first: _Waiting[T]) -> bool:
        return not self._coming or time.monotonic() - first.since >= self._patience()

    def _patience(self) -> float:
        return min(max(2 * self._encode_seconds, _PATIENCE), _MOST_PATIENCE)

    def _go(self, together: list[_Waiting[T]]) -> None:
        travellers = [one.traveller for one in together]
        if isinstance(together[0].ask, Encode):
            run = partial(self._model.encode_all, [one.ask.window for one in together])
            self._call(_ENCODE, self._timed(run), travellers, coming=True, several=True)
            return
        first: Decode = together[0].ask
        run_decode = partial(
            self._model.decode_all,
            [one.ask.asked for one in together],
            limit=first.limit,
            beam_size=self._beam_size,
            temperature=first.temperature,
        )
        self._call(_DECODE, run_decode, travellers, several=True)

    def _timed(self, run: Callable[[], Any]) -> Callable[[], Any]:
        def timed() -> Any:
            begun = time.monotonic()
            result = run()
            self._encode_seconds = time.monotonic() - begun
            return result

        return timed

    def _call(
        self,
        rank: int,
        run: Callable[[], Any],
        travellers: list[_Traveller[T]],
        *,
        coming: bool = False,
        several: bool = False,
    ) -> None:
        """Have a thread call `run`, and give its answer (with `several`, one of its answers) to each of the travellers."""
        self._coming += coming

        def task() -> None:
            try:
                result = run()
            except Exception as error:  # noqa: BLE001 - raised again where the recording is, whatever it is
                steps = [partial(one.hearing.throw, error) for one in travellers]
            else:
                answers = result if several else [result]
                steps = [partial(one.hearing.send, answer) for one, answer in zip(travellers, answers, strict=True)]
            self.post(partial(self._arrived, travellers, steps, coming))

        courtesy = min(min(one.seconds for one in travellers) * _COURTESY, _MOST_COURTESY)
        self._tasks.put((rank, time.monotonic() + courtesy, next(self._order), task))

    def _arrived(self, travellers: list[_Traveller[T]], steps: Sequence[Callable[[], Ask]], coming: bool) -> Ended[T]:
        self._coming -= coming
        for traveller, step in zip(travellers, steps, strict=True):
            yield from self._resume(traveller, step)

    def _work(self) -> None:
        while True:
            *_, task = self._tasks.get()
            task()


def _nothing() -> Ended[Any]:
    yield from ()
