"""The composition root: configuration in, a running service out. It decides nothing.

Loops are started in one task group; one that fails brings the process down, for the supervisor to start it anew: every
row says what is left to do. Stopping runs the other way round: hearing ends, what was heard is read, what is due is sent.
"""

import asyncio
from contextlib import AsyncExitStack

import structlog

import bot
from bot.alerts import AppriseSink, Dispatcher, Sink
from bot.app.checks import preflight
from bot.app.parts import CHAT, load_rules, open_account, open_store, sink_names, speech_settings, wanted_channels
from bot.config import Config
from bot.errors import EarshotError
from bot.health import Health
from bot.model import utc_now
from bot.monitor import Monitor
from bot.pulse import Pulse
from bot.speech import SpeechWorker, Transcriber
from bot.store import Store
from bot.telegram import AnalystChat, Backfiller, Fetcher, Listener, Reader, login_bot, pin_channels

log = structlog.get_logger()

# Seconds that a stop may take to send what is due.
STOP_SECONDS = 10.0


async def _open_sinks(config: Config, store: Store, stack: AsyncExitStack) -> list[Sink]:
    sinks: list[Sink] = []
    if config.settings.alerts.chat is not None and config.bot_token is not None:
        account = await stack.enter_async_context(open_account(config, store, name="bot"))
        if not await account.is_authorized():
            await login_bot(account, config.bot_token.get_secret_value())
        chat = AnalystChat(account, config.settings.alerts.chat, name=CHAT)
        await chat.check()
        sinks.append(chat)
    sinks.extend(AppriseSink(name, url.get_secret_value()) for name, url in config.apprise.items())
    return sinks


async def run(config: Config, stop: asyncio.Event) -> None:
    """Listen until `stop` is set. Raises the EarshotError that ended it, if one did."""
    await preflight(config)
    names = sink_names(config)
    rules = load_rules(config)
    alerts = config.settings.alerts
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(config))
        account = await stack.enter_async_context(open_account(config, store, name="main"))
        await account.require_login()
        sinks = await _open_sinks(config, store, stack)
        channels, problems = await pin_channels(account, store, wanted_channels(config))
        for problem in problems:
            log.warning("channel not followed", problem=problem)
        transcriber = Transcriber(speech_settings(config))
        stack.push_async_callback(transcriber.close)

        loops = {
            name: (Pulse(stop), bound)
            for name, bound in {
                "listener": 300.0, "reader": 120.0, "fetcher": 3600.0, "speech": 6 * 3600.0, "backfiller": 6 * 3600.0,
                **{f"sink {sink.name}": 300.0 for sink in sinks},
            }.items()
        }  # fmt: skip
        pulse = {name: loop[0] for name, loop in loops.items()}

        def announce() -> None:
            for loop in pulse.values():
                loop.nudge()

        monitor = Monitor(
            store, rules, sinks=names, transcribe=frozenset(config.settings.speech.kinds), announce=announce
        )
        reader = Reader(store, monitor, pulse["reader"])
        nudge = pulse["reader"].nudge
        listener = Listener(
            account,
            store,
            pulse["listener"],
            sweep_seconds=config.settings.telegram.sweep_seconds,
            reader_nudge=nudge,
        )
        limit = config.settings.speech.max_megabytes * 1_000_000
        fetcher = Fetcher(account, store, pulse["fetcher"], limit_bytes=limit, announce=announce)
        worker = SpeechWorker(
            store,
            monitor,
            transcriber,
            pulse["speech"],
            announce=announce,
            attempts=config.settings.speech.attempts,
        )
        backfiller = Backfiller(account, store, pulse["backfiller"], reader_nudge=nudge)
        dispatchers = [
            Dispatcher(
                store,
                sink,
                pulse[f"sink {sink.name}"],
                per_second=alerts.per_second,
                per_minute=alerts.per_minute,
            )
            for sink in sinks
        ]
        health = Health(loops, lambda: store.archive.status(utc_now()))
        if port := config.settings.health.port:
            stack.push_async_callback((await health.serve(port)).cleanup)

        async def notice(text: str) -> None:
            if alerts.notices:
                await store.outbox.add_notice(names, text, at=utc_now())

        await notice(
            f"Earshot {bot.__version__} is listening to {len(channels)} channels with {len(rules.rules)} rules."
        )
        ending = "Earshot is stopping: it was told to."
        try:
            async with asyncio.TaskGroup() as group:
                for loop in (listener.run, reader.run, fetcher.run, worker.run, backfiller.run):
                    group.create_task(loop())
                for dispatcher in dispatchers:
                    group.create_task(dispatcher.run())
                group.create_task(health.watch(Pulse(stop)), name="health")
        except* Exception as errors:
            stop.set()
            error = _first(errors)
            ending = (
                f"Earshot is stopping: {error}" if isinstance(error, EarshotError) else "Earshot is stopping: a bug."
            )
            log.error("stopping after a failure", error=str(error), exc_info=error)
            raise error from None
        finally:
            await reader.drain()
            await notice(ending)
            for dispatcher in dispatchers:
                await dispatcher.drain(STOP_SECONDS)


def _first(errors: BaseExceptionGroup[Exception]) -> Exception:
    """The failure to report: one of ours if there is one."""
    leaves: list[Exception] = []
    todo: list[BaseException] = [errors]
    while todo:
        error = todo.pop()
        if isinstance(error, BaseExceptionGroup):
            todo.extend(error.exceptions)
        elif isinstance(error, Exception):
            leaves.append(error)
    return next((error for error in leaves if isinstance(error, EarshotError)), leaves[0])
