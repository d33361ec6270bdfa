"""The watching accounts together: opened, given their channels, and relieved of them when one is lost.

A channel's pts and ledger are the channel's, not the account's, so the next carrier goes on where the last one stopped.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from types import MappingProxyType

import structlog

from bot.errors import AccountDead, EarshotError, Locked, LoginNeeded, StoreError, TelegramError, Unreachable, first_of
from bot.model import AccountState, Alarm, ChannelId, Clock, utc_now
from bot.pulse import Pulse
from bot.store import Store
from bot.telegram.account import Account
from bot.telegram.channels import Pinned, WantedChannel, pin_channels
from bot.telegram.crew import Crew, Terms
from bot.telegram.pinner import Pinner
from bot.telegram.refusals import state_of

log = structlog.get_logger()

# Seconds between two looks at what there is to tell, and to open.
LOOK_SECONDS = 5.0
# Seconds until an account that is not at work is tried again: one that could not be reached, and one that was refused.
REOPEN_SECONDS = 60.0
REOPEN_REFUSED_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How people are told."""

    # A name that is told once in the life of the database, and the words.
    tell: Callable[[str, str], Awaitable[object]]
    # An alarm, and the words in which it is told now. Whoever looks after alarms ends it.
    alarm: Callable[[Alarm, str], Awaitable[object]]


class Fleet:
    """Opens the accounts, spreads the channels, and runs a crew for each account."""

    def __init__(
        self,
        store: Store,
        stop: asyncio.Event,
        names: Sequence[str],
        wanted: Sequence[WantedChannel],
        *,
        open_account: Callable[[str], AbstractAsyncContextManager[Account]],
        voice: Voice,
        sweep_seconds: float,
        stuck_seconds: float,
        reader_nudge: Callable[[], None],
        clock: Clock = utc_now,
    ) -> None:
        """`names`: the accounts. `stuck_seconds`: see `Terms`."""
        self._store = store
        self._stop = stop
        self._names = tuple(names)
        self._wanted = tuple(wanted)
        self._open_account = open_account
        self._voice = voice
        self._clock = clock
        self._terms = Terms(
            sweep_seconds=sweep_seconds,
            stuck_seconds=stuck_seconds,
            reader_nudge=reader_nudge,
            on_full=self._note_full,
            on_state=self._record_state,
            clock=clock,
        )
        self._crews: dict[str, Crew] = {}
        # Accounts that are not at work: the moment, on the loop's clock, to try again.
        self._ashore: dict[str, float] = {}
        # Accounts that Telegram lets join no more.
        self._full: set[str] = set()
        # Who carries what is heard.
        self._carriers: Mapping[ChannelId, str | None] = {}
        self._pinning = asyncio.Lock()
        # Slots have changed, or channels could not be handed over: to be pinned again at the next look.
        self._unsettled = False
        self._group: asyncio.TaskGroup | None = None
        self.pulse = Pulse(stop)
        self._daily = Pulse(stop)

    @property
    def busy_for(self) -> float:
        """Seconds of unbroken work of the crew that is longest at it; see `Crew.busy_for`."""
        return max((crew.busy_for for crew in self._crews.values()), default=0.0)

    @property
    def unswept_for(self) -> float:
        """Seconds since every channel was seen, of the account that is furthest behind."""
        return max((crew.unswept_for for crew in self._crews.values()), default=0.0)

    @property
    def crews(self) -> Mapping[str, Crew]:
        """The accounts at work, by name."""
        return MappingProxyType(self._crews)

    def account_of(self, channel_id: ChannelId) -> Account:
        """The account to ask about a channel. Raises Unreachable when none is at work."""
        crew = self._crews.get(self._carriers.get(channel_id) or "") or next(iter(self._crews.values()), None)
        if crew is None:
            raise Unreachable("no watching account is at work")
        return crew.account

    # --- opening and closing ---

    async def open(self) -> None:
        """Open every account.

        One that cannot be opened is recorded and tried again later; when none can, the first one's error is raised. Raises
        Locked when any is in use elsewhere, and ConfigError for a session file that cannot be used.
        """
        try:
            async with asyncio.TaskGroup() as group:
                opening = [group.create_task(self._man(name)) for name in self._names]
        except BaseExceptionGroup as errors:
            error = first_of(errors)
            # What Telegram said is looked up in the cause.
            raise error from error.__cause__
        refusals = [refusal for task in opening if (refusal := task.result()) is not None]
        if not self._crews:
            raise refusals[0]

    async def close(self) -> None:
        """Close every account."""
        while self._crews:
            _, crew = self._crews.popitem()
            await crew.close()

    async def _man(self, name: str) -> TelegramError | None:
        """Put an account to work; the reason, recorded, when it cannot be. Raises Locked, ConfigError, StoreError."""
        belongings = AsyncExitStack()
        try:
            lease = await belongings.enter_async_context(self._store.accounts.lease(name))
            account = await belongings.enter_async_context(self._open_account(name))
            await account.require_login()
        except TelegramError as error:
            await belongings.aclose()
            log.error("account not at work", account=name, error=str(error))
            await self._go_ashore(name, error)
            return error
        except BaseException:
            await belongings.aclose()
            raise
        self._crews[name] = Crew(account, self._store, self._stop, self._terms, lost=lease.lost, belongings=belongings)
        self._ashore.pop(name, None)
        await self._record_state(name, AccountState.ACTIVE, None)
        return None

    async def _go_ashore(self, name: str, error: EarshotError) -> None:
        passing = state_of(error) is AccountState.UNREACHABLE
        pause = REOPEN_SECONDS if passing else REOPEN_REFUSED_SECONDS
        self._ashore[name] = asyncio.get_running_loop().time() + pause
        await self._record_state(name, state_of(error), str(error))

    # --- at work ---

    async def run(self) -> None:
        """Work until stopped. Raises what ended the last account, Stuck, or what ended a loop of ours."""
        pinner = Pinner(self.pin, self._daily, missing=lambda: len(self._wanted) - len(self._carriers))
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for crew in self._crews.values():
                    group.create_task(self._employ(crew))
                group.create_task(pinner.run())
                group.create_task(self._look_after())
        except BaseExceptionGroup as errors:
            error = first_of(errors)
            # What Telegram said is looked up in the cause.
            raise error from error.__cause__

    async def _employ(self, crew: Crew) -> None:
        try:
            await crew.run()
        except (LoginNeeded, AccountDead, Locked) as error:
            await self._discharge(crew, error)

    async def _discharge(self, crew: Crew, error: EarshotError) -> None:
        """Take a lost account off, hand its channels to the others, and say so. Raises `error` when there are no others."""
        carried = {channel_id for channel_id, name in self._carriers.items() if name == crew.name}
        log.error("account lost", account=crew.name, channels=len(carried), error=str(error))
        del self._crews[crew.name]
        await self._go_ashore(crew.name, error)
        await crew.close()
        if not self._crews:
            raise error
        await self._settle()
        heard = Counter(name for channel_id, name in self._carriers.items() if channel_id in carried and name)
        await self._tell_loss(crew.name, error, heard, waiting=len(carried) - heard.total())

    async def _look_after(self) -> None:
        while not await self.pulse.wait(LOOK_SECONDS):
            now = asyncio.get_running_loop().time()
            due = [name for name, moment in self._ashore.items() if moment <= now]
            back = [name for name in due if await self._is_back(name)]
            if back or self._unsettled:
                await self._settle()
            await self._tell_news()

    async def _is_back(self, name: str) -> bool:
        """Try an account that is not at work."""
        try:
            refusal = await self._man(name)
        except EarshotError as error:
            log.warning("account not at work", account=name, error=str(error))
            self._ashore[name] = asyncio.get_running_loop().time() + REOPEN_SECONDS
            return False
        if refusal is None and self._group is not None:
            log.info("account back at work", account=name)
            self._group.create_task(self._employ(self._crews[name]))
        return refusal is None

    # --- channels ---

    async def pin(self, look_up_lost: bool = False) -> Pinned:
        """Spread the channels over the accounts at work, leaving out one that turns out to be lost.

        `look_up_lost`: see `pin_channels`. Raises LoginNeeded or AccountDead when no account is left.
        """
        async with self._pinning:
            self._unsettled = False
            pinned = None
            while pinned is None:
                crews = [crew for crew in self._crews.values() if crew.dismissed is None]
                try:
                    pinned = await self._pin_with(crews, look_up_lost)
                except (LoginNeeded, AccountDead):
                    lost = [crew for crew in crews if crew.dismiss_if_lost()]
                    if not lost or len(lost) == len(crews):
                        raise
            self._carriers = {channel.channel_id: channel.account for channel in pinned.channels}
        log.info("channels spread", load=dict(Counter(self._carriers.values())), problems=pinned.problems)
        for name, text in pinned.remarks.items():
            await self._voice.tell(name, text)
        for crew in crews:
            crew.listener.reload()
        return pinned

    async def _settle(self) -> None:
        """Pin; where the database does not let us, at the next look."""
        try:
            await self.pin()
        except StoreError as error:
            log.error("channels not spread", error=str(error))
            self._unsettled = True

    async def _pin_with(self, crews: Sequence[Crew], look_up_lost: bool) -> Pinned:
        for crew in crews:
            crew.seeker.forget()
        return await pin_channels(
            [crew.seeker for crew in crews],
            self._store,
            self._wanted,
            full=frozenset(self._full),
            look_up_lost=look_up_lost,
            clock=self._clock,
        )

    def _note_full(self, name: str) -> None:
        self._full.add(name)
        self._unsettled = True
        self.pulse.nudge()

    # --- telling ---

    async def _record_state(self, name: str, state: AccountState, reason: str | None) -> None:
        try:
            await self._store.accounts.record_state(name, state, reason=reason, at=self._clock())
        except StoreError as error:
            log.error("account state not stored", account=name, state=state.value, error=str(error))

    async def _tell_loss(self, name: str, error: EarshotError, heard: Counter[str], *, waiting: int) -> None:
        over = ", ".join(f"{count} by {other}" for other, count in sorted(heard.items()))
        parts = [f"heard from now on: {over}"] if over else []
        parts += [f"waiting to be looked up by another account: {waiting}"] if waiting else []
        text = f"The watching account {name} is {state_of(error).value}: {error}"
        channels = f". Its channels: {'; '.join(parts)}" if parts else ""
        await self._voice.alarm(Alarm(name=f"account:{name}", since=self._clock(), text=text), text + channels)

    async def _tell_news(self) -> None:
        for crew in self._crews.values():
            for word, method in crew.account.news:
                await self._voice.tell(f"new:{word}:{method}", f"Telegram said something new: {word} to {method}")
