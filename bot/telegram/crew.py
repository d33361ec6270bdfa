"""One watching account at work: everything that runs for it, and the watch that nothing stands still unnoticed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import structlog

from bot.errors import AccountDead, EarshotError, Locked, LoginNeeded, Stuck, TelegramError, first_of
from bot.model import AccountState, Clock, utc_now
from bot.pulse import Pulse
from bot.store import Store
from bot.telegram.account import Account
from bot.telegram.backfill import Backfiller
from bot.telegram.joiner import Joiner
from bot.telegram.listener import Listener
from bot.telegram.rechecker import Rechecker
from bot.telegram.refusals import state_of
from bot.telegram.seeker import Seeker
from bot.telegram.watchdog import Verdict, Watchdog

log = structlog.get_logger()

# Seconds between two looks at how the account fares.
LOOK_SECONDS = 5.0
# Seconds without a connection after which people are told that there is none.
OFFLINE_SECONDS = 60.0
# A wait on one of these explains that nothing comes in.
SWEEP = "messages.getPeerDialogs"
HEARING = frozenset({SWEEP, "updates.getChannelDifference", "messages.getHistory"})

OnState = Callable[[str, AccountState, str | None], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How every account works. The callables are called with the account's name where they take a string."""

    sweep_seconds: float
    # Without progress for so long, the connection is made anew; twice, and the process ends.
    stuck_seconds: float
    reader_nudge: Callable[[], None]
    on_full: Callable[[str], None]
    # Awaited when the account's state changes, with the reason.
    on_state: OnState
    clock: Clock = utc_now


class Crew:
    """The loops of one account. `close` gives the account back."""

    def __init__(
        self,
        account: Account,
        store: Store,
        stop: asyncio.Event,
        terms: Terms,
        *,
        lost: asyncio.Event,
        belongings: AsyncExitStack,
    ) -> None:
        """`lost`: set when another machine has taken the account. `belongings`: what `close` undoes."""
        self.account = account
        self.seeker = Seeker(account)
        # Why the account is no longer to be used; found by whoever asked last.
        self.dismissed: EarshotError | None = None
        self._store = store
        self._terms = terms
        self._lost = lost
        self._belongings = belongings
        self.hearing, self._rechecking, self._filling, self._joining, self._watching = (Pulse(stop) for _ in range(5))
        self.listener = self._new_listener()
        self._listening: asyncio.Task[None] | None = None
        # Between two sweeps nothing need come in.
        self._stuck_seconds = max(terms.stuck_seconds, 2 * terms.sweep_seconds)
        self._watchdog = Watchdog(self._stuck_seconds)
        # How it fares, as told last.
        self.state = AccountState.ACTIVE
        self.reason: str | None = None
        self._online_at = 0.0
        self._began = terms.clock()

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name

    @property
    def busy_for(self) -> float:
        """Seconds of unbroken work of the loop that is longest at it, of those that work in small steps."""
        return max(pulse.busy_for for pulse in (self.hearing, self._rechecking, self._watching))

    @property
    def unswept_for(self) -> float:
        """Seconds since the last sweep saw every channel; 0 while Telegram makes us wait with it: that is no standstill."""
        if any(wait.method == SWEEP for wait in self.account.waits):
            return 0.0
        return (self._terms.clock() - (self.listener.swept_at or self._began)).total_seconds()

    async def run(self) -> None:
        """Work until stopped. Raises LoginNeeded, AccountDead or Locked when the account is lost, Stuck when it is stuck."""
        nudge, clock = self._terms.reader_nudge, self._terms.clock
        rechecker = Rechecker(self.account, self._store, self._rechecking, reader_nudge=nudge, clock=clock)
        backfiller = Backfiller(self.account, self._store, self._filling, reader_nudge=nudge, clock=clock)
        joiner = Joiner(
            self.account,
            self._store,
            self._joining,
            on_joined=lambda: self.listener.reload(),
            on_full=lambda: self._terms.on_full(self.name),
            clock=clock,
        )
        try:
            async with asyncio.TaskGroup() as group:
                self._listening = group.create_task(self.listener.run())
                for loop in (rechecker, backfiller, joiner):
                    group.create_task(loop.run())
                group.create_task(self._watch(group))
        except BaseExceptionGroup as errors:
            error = first_of(errors)
            # What Telegram said is looked up in the cause.
            raise error from error.__cause__

    async def close(self) -> None:
        """Close the account, and let others have it."""
        await self._belongings.aclose()

    def dismiss_if_lost(self) -> bool:
        """Whether somebody has found out that the account is lost; the watch then ends its work."""
        self.dismissed = self.dismissed or self.account.refusal
        return self.dismissed is not None

    # --- the watch ---

    async def _watch(self, group: asyncio.TaskGroup) -> None:
        every = min(LOOK_SECONDS, self._stuck_seconds / 4)
        while not await self._watching.wait(every):
            await self._check_loss()
            now = asyncio.get_running_loop().time()
            if self.account.online:
                self._online_at = now
            match self._watchdog.look(self._progress(), now=now, excused=self._is_excused()):
                case Verdict.REBUILD:
                    await self._rebuild(group)
                case Verdict.GIVE_UP:
                    raise Stuck(
                        f"nothing comes in for the account {self.name}, though it is connected, nor did it over the "
                        f"connection before"
                    )
            await self._tell_state(now)

    async def _check_loss(self) -> None:
        if self._lost.is_set():
            raise Locked(f"the account {self.name} has been taken over by another Earshot on the same database")
        if self.dismissed is not None:
            raise self.dismissed
        if (refusal := self.account.refusal) is None:
            return
        if state_of(refusal) is not AccountState.FROZEN:
            # One request may have been refused for reasons of its own.
            try:
                await self.account.require_login()
            except (LoginNeeded, AccountDead):
                raise
            except TelegramError as error:
                log.warning("login not confirmed", account=self.name, error=str(error))
                return
            self.account.refusal = None
            return
        raise refusal

    def _progress(self) -> tuple[object, ...]:
        return self.listener.progress_at, self.listener.swept_at

    def _is_excused(self) -> bool:
        """Whether something else explains that nothing comes in."""
        waits = any(wait.method in HEARING for wait in self.account.waits)
        return waits or not self.account.online or not self.listener.hears

    async def _rebuild(self, group: asyncio.TaskGroup) -> None:
        """A new connection, and a listener that starts from what is stored."""
        seconds = self._stuck_seconds
        log.error("account is stuck; connecting anew", account=self.name, seconds=seconds)
        await self._report(AccountState.STUCK, f"nothing came in for {seconds:.0f} s; the connection is made anew")
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        try:
            await self.account.reconnect()
        except (LoginNeeded, AccountDead):
            raise
        except TelegramError as error:
            log.warning("not connected anew", account=self.name, error=str(error))
        self.listener = self._new_listener()
        self._listening = group.create_task(self.listener.run())
        self._watchdog.rebuilt(self._progress(), now=asyncio.get_running_loop().time())

    def _new_listener(self) -> Listener:
        return Listener(
            self.account,
            self._store,
            self.hearing,
            sweep_seconds=self._terms.sweep_seconds,
            reader_nudge=self._terms.reader_nudge,
            clock=self._terms.clock,
        )

    async def _tell_state(self, now: float) -> None:
        self._online_at = self._online_at or now
        if now - self._online_at > OFFLINE_SECONDS:
            await self._report(AccountState.UNREACHABLE, "no connection to Telegram")
        elif self.account.online and not self._watchdog.suspicious:
            await self._report(AccountState.ACTIVE, None)

    async def _report(self, state: AccountState, reason: str | None) -> None:
        if state is not self.state:
            self.state, self.reason = state, reason
            await self._terms.on_state(self.name, state, reason)
