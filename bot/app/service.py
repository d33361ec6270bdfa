"""The composition root: configuration in, a running service out. It decides nothing.

Loops run in one task group; one that fails brings the process down, for the supervisor to start it anew: every row says
what is left to do. Stopping goes the other way round: hearing ends, what was heard is read, what is due is sent.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import structlog

import bot
from bot.alerts import AppriseSink, Dispatcher, Sink, plain
from bot.app.accounts import make_fleet
from bot.app.bot import AlertBot, open_bot
from bot.app.checks import preflight
from bot.app.hot_words import expect_names
from bot.app.loop import Loop
from bot.app.parts import local_transcriber, speech_settings, speech_transcriber
from bot.app.rules import load_rules, rules_folder, spare_collector
from bot.app.rules_watch import RulesWatch
from bot.app.sinks import CHAT, sink_names
from bot.app.stores import open_store
from bot.app.translation import open_translator, translation_loop
from bot.app.watching import Watching
from bot.config import Config
from bot.errors import AccountDead, EarshotError, LoginNeeded, first_of
from bot.health.http import Loops
from bot.model import utc_now
from bot.monitor import Monitor
from bot.pulse import Pulse
from bot.rules import RuleSet
from bot.speech import Rehearser, SpeechWorker, Transcriber
from bot.store import Store
from bot.telegram import Fetcher, Fleet, Reader
from bot.translation import LocalTranslator

log = structlog.get_logger()

# Seconds, when stopping, that loops have to end what they are at; the reader, to read what was heard; and each sink,
# to send what is due. Whatever is cut short then goes on at the next start.
END_SECONDS = 5.0
READ_SECONDS = 5.0
STOP_SECONDS = 10.0
# Lines about channels that are not followed, at the start.
MOST_PROBLEMS = 5


async def run(config: Config, stop: asyncio.Event) -> None:
    """Listen until `stop` is set. Raises the EarshotError that ended it, if one did."""
    await preflight(config)
    async with AsyncExitStack() as stack:
        service = await _unless_stopped(_start(config, stop, stack), stop)
        if service is not None:
            await service.run()


async def _unless_stopped(start: "Coroutine[Any, Any, Service]", stop: asyncio.Event) -> "Service | None":
    """The started service; None when told to stop before it was: connecting can take long."""
    starting = asyncio.create_task(start)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not starting.done():
            starting.cancel()
    try:
        return await starting
    except asyncio.CancelledError:
        if stop.is_set():
            return None
        raise


async def _start(config: Config, stop: asyncio.Event, stack: AsyncExitStack) -> "Service":
    """Open every part, each with its undo on the stack, and say that we are listening."""
    # Before anything is written: it may be no model.
    translator = await stack.enter_async_context(open_translator(config))
    store = await stack.enter_async_context(open_store(config))
    rules = load_rules(config, keep=True)
    spare_collector()
    # What an earlier version could not read, this one may.
    await store.intake.requeue()
    reading = Pulse(stop)
    fleet = make_fleet(config, store, stop, sinks=sink_names(config), reader_nudge=reading.nudge)
    stack.push_async_callback(fleet.close)
    try:
        await fleet.open()
    except (LoginNeeded, AccountDead):
        await _send_what_is_due(config, store)
        raise
    alert_bot = await stack.enter_async_context(open_bot(config, store))
    sinks = await _open_sinks(config, alert_bot)
    pinned = await fleet.pin()
    transcriber = speech_transcriber(config)
    stack.push_async_callback(transcriber.close)
    service = Service(
        config,
        stop,
        store=store,
        fleet=fleet,
        reading=reading,
        alert_bot=alert_bot,
        sinks=sinks,
        rules=rules,
        transcriber=transcriber,
        translator=translator,
    )
    if port := config.settings.health.port:
        stack.push_async_callback((await service.health.serve(port)).cleanup)
    what = f"{_count(len(pinned.channels), 'channel')} with {_count(len(rules.rules), 'rule')}"
    await service.say(f"Earshot {bot.__version__} is listening to {what}.", *_not_followed(pinned.problems))
    return service


async def _send_what_is_due(config: Config, store: Store) -> None:
    """Nobody may read the log of a service that cannot start: what is to be said is said in the chat. The rest stays due."""
    try:
        async with asyncio.timeout(STOP_SECONDS), open_bot(config, store) as alert_bot:
            for sink in await _open_sinks(config, alert_bot):
                await _make_dispatcher(config, store, sink, Pulse(asyncio.Event())).drain(STOP_SECONDS)
    except (EarshotError, TimeoutError) as error:
        log.error("not said in the chat", error=str(error))


def _not_followed(problems: Sequence[str]) -> list[str]:
    """A line for each, or for the first few: what is due in the chat must not wait behind a hundred of them."""
    told = problems if len(problems) <= MOST_PROBLEMS else problems[: MOST_PROBLEMS - 1]
    lines = [f"⚠ Not followed: {plain(problem)}" for problem in told]
    if rest := len(problems) - len(told):
        lines.append(f"⚠ Not followed: {_count(rest, 'more channel')}; the log has the reasons")
    return lines


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


async def _open_sinks(config: Config, alert_bot: AlertBot | None) -> list[Sink]:
    sinks: list[Sink] = []
    if config.settings.alerts.chat is not None and alert_bot is not None:
        chat = alert_bot.chat(config.settings.alerts.chat, name=CHAT)
        await chat.check()
        sinks.append(chat)
    sinks.extend(AppriseSink(name, url.get_secret_value()) for name, url in config.apprise.items())
    return sinks


def _make_dispatcher(config: Config, store: Store, sink: Sink, pulse: Pulse) -> Dispatcher:
    alerts, names = config.settings.alerts, sink_names(config)
    return Dispatcher(store, sink, pulse, per_second=alerts.per_second, per_minute=alerts.per_minute, sinks=names)


class Service:
    """The loops, wired to each other."""

    def __init__(
        self,
        config: Config,
        stop: asyncio.Event,
        *,
        store: Store,
        fleet: Fleet,
        reading: Pulse,
        alert_bot: AlertBot | None,
        sinks: Sequence[Sink],
        rules: RuleSet,
        transcriber: Transcriber,
        translator: LocalTranslator | None,
    ) -> None:
        """`reading`: wakes the reader; whoever hears something nudges it."""
        self._stop = stop
        self._store = store
        self._names = sink_names(config)
        self._notices = config.settings.alerts.notices
        speech = config.settings.speech

        fetching, transcribing = (Pulse(stop) for _ in range(2))
        monitor = Monitor(
            store,
            rules,
            sinks=self._names,
            transcribe=frozenset(speech.kinds),
            announce=self._nudge_all,
            second=speech_settings(config, model=speech.second_model).model if speech.second_model else None,
        )
        self._reader = Reader(store, monitor, reading)
        limit = speech.max_megabytes * 1_000_000
        fetcher = Fetcher(fleet.account_of, store, monitor, fetching, limit_bytes=limit, announce=self._nudge_all)
        worker = SpeechWorker(
            store, monitor, transcriber, transcribing, announce=self._nudge_all, attempts=speech.attempts
        )
        rehearing = Pulse(stop)
        rehearser = Rehearser(
            store,
            monitor,
            partial(local_transcriber, config),
            rehearing,
            announce=self._nudge_all,
            attempts=speech.attempts,
        )
        expect = partial(expect_names, (transcriber, rehearser), speech)
        expect(rules)
        ruling = Pulse(stop)
        rules_watch = RulesWatch(
            rules_folder(config),
            monitor,
            ruling,
            texts=config.rules,
            say=self.say,
            tell=self._tell,
            taken=expect,
        )
        watching = Watching(
            config,
            store,
            stop,
            monitor=monitor,
            fleet=fleet,
            bot=alert_bot,
            sinks=self._names,
            announce=self._nudge_all,
        )
        sinks = (*sinks, *watching.sinks)
        pulses = [Pulse(stop) for _ in sinks]
        self._dispatchers = [
            (_make_dispatcher(config, store, sink, pulse), pulse) for sink, pulse in zip(sinks, pulses, strict=True)
        ]
        self._loops = {
            "fleet": Loop(run=fleet.run, pulse=fleet.pulse, bound=3600.0),
            "reader": Loop(run=self._reader.run, pulse=reading, bound=120.0),
            "fetcher": Loop(run=fetcher.run, pulse=fetching, bound=3600.0),
            "speech": Loop(run=worker.run, pulse=transcribing, bound=6 * 3600.0),
            "rehearing": Loop(run=rehearser.run, pulse=rehearing, bound=6 * 3600.0),
            "rules": Loop(run=rules_watch.run, pulse=ruling, bound=600.0),
            **translation_loop(config, store, monitor, Pulse(stop), translator),
            **watching.loops,
            **{
                f"sink {sink.name}": Loop(run=dispatcher.run, pulse=pulse, bound=300.0)
                for sink, (dispatcher, pulse) in zip(sinks, self._dispatchers, strict=True)
            },
        }
        sweep = config.settings.telegram.sweep_seconds
        idle: Loops = {
            **{name: (partial(_busy_for, loop.pulse), loop.bound) for name, loop in self._loops.items()},
            "listener": (lambda: fleet.busy_for, 300.0),
            "sweep": (lambda: fleet.unswept_for, max(300.0, 5 * sweep)),
        }
        self.health = watching.health(idle)

    async def run(self) -> None:
        """Run every loop until the stop event, or until one fails; then read and send what is left."""
        ending = "Earshot is stopping: it was told to."
        try:
            async with asyncio.TaskGroup() as group:
                loops = [group.create_task(loop.run()) for loop in self._loops.values()]
                group.create_task(self.health.watch(Pulse(self._stop)))
                group.create_task(self._end(loops))
        except* Exception as errors:
            error = first_of(errors)
            ours = isinstance(error, EarshotError)
            ending = f"⚠ Earshot is stopping: {plain(str(error))}" if ours else "⚠ Earshot is stopping: a bug."
            log.error("stopping after a failure", error=str(error), exc_info=None if ours else error)
            raise error from None
        finally:
            self._stop.set()
            await self._wind_down(ending)

    async def say(self, *notices: str) -> None:
        """Put notices for every sink into the outbox, unless the settings turn them off."""
        for text in notices if self._notices else ():
            await self._store.outbox.add_notice(self._names, text, at=utc_now())

    async def _tell(self, notice: str) -> None:
        """The same whatever the settings: what must be known."""
        await self._store.outbox.add_notice(self._names, notice, at=utc_now())
        self._nudge_all()

    async def _end(self, loops: Sequence["asyncio.Task[None]"]) -> None:
        """Cut short, when stopping, what takes long, as a transcription or an answer that does not come."""
        await self._stop.wait()
        await asyncio.wait(loops, timeout=END_SECONDS)
        for loop in loops:
            loop.cancel()

    async def _wind_down(self, ending: str) -> None:
        try:
            await self._read_the_rest()
            await self.say(ending)
            await asyncio.gather(*(dispatcher.drain(STOP_SECONDS) for dispatcher, _ in self._dispatchers))
        except EarshotError as error:
            # The rows are as they were: the next start goes on from them.
            log.error("not everything was sent before the stop", error=str(error))

    async def _read_the_rest(self) -> None:
        try:
            async with asyncio.timeout(READ_SECONDS):
                await self._reader.drain()
        except TimeoutError:
            log.warning("not everything that was heard was read", seconds=READ_SECONDS)

    def _nudge_all(self) -> None:
        for loop in self._loops.values():
            loop.pulse.nudge()


def _busy_for(pulse: Pulse) -> float:
    return pulse.busy_for
