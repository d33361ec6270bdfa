"""The watching accounts together: opened, given their channels, and relieved of them when one is lost.

A channel's pts and ledger are the channel's, not the account's, so the next carrier goes on where the last one stopped.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime
from types import MappingProxyType

import structlog

from bot.errors import AccountDead, EarshotError, Locked, LoginNeeded, StoreError, TelegramError, Unreachable, first_of
from bot.model import AccountState, ChannelId, Clock, utc_now
from bot.pulse import Pulse
from bot.store import Store
from bot.telegram.account import Account
from bot.telegram.channels import Pinned, WantedChannel
from bot.telegram.crew import Crew, Terms
from bot.telegram.pinner import Pinner
from bot.telegram.refusals import state_of
from bot.telegram.roster import LOST_SECONDS, Roster
from bot.telegram.voice import Voice

log = structlog.get_logger()

# Seconds between two looks at what there is to tell, and to open.
LOOK_SECONDS = 5.0
# Seconds until an account that is not at work is tried again: one that could not be reached, and one that was refused.
REOPEN_SECONDS = 60.0
REOPEN_REFUSED_SECONDS = 3600.0


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
        lost_seconds: float = LOST_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        """`names`: the accounts. `stuck_seconds`: see `Terms`; `lost_seconds`: see `Roster`."""
        self._store = store
        self._stop = stop
        self._names = tuple(names)
        self._open_account = open_account
        self._voice = voice
        self._clock = clock
        self._roster = Roster(store, wanted, voice, clock, lost_seconds=lost_seconds)
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
        # What happened to accounts and could not be stored yet: state, reason, moment.
        self._unrecorded: dict[str, tuple[AccountState, str | None, datetime]] = {}
        self._group: asyncio.TaskGroup | None = None
        self.pulse = Pulse(stop)

    @property
    def crews(self) -> Mapping[str, Crew]:
        """The accounts at work, by name."""
        return MappingProxyType(self._crews)

    @property
    def busy_for(self) -> float:
        """Seconds of unbroken work of the crew that is longest at it; see `Crew.busy_for`."""
        return max((crew.busy_for for crew in self._crews.values()), default=0.0)

    @property
    def unswept_for(self) -> float:
        """Seconds since every channel was seen, of the account that is furthest behind."""
        return max((crew.unswept_for for crew in self._crews.values()), default=0.0)

    def account_of(self, channel_id: ChannelId) -> Account:
        """The account to ask about a channel. Raises Unreachable when none is at work."""
        carrier = self._crews.get(self._roster.carrier_of(channel_id) or "")
        crew = carrier or next(iter(self._crews.values()), None)
        if crew is None:
            raise Unreachable("no watching account is at work")
        return crew.account

    async def pin(self, look_up_lost: bool = False) -> Pinned:
        """Hand the channels out to the accounts at work; see `Roster.pin`."""
        return await self._roster.pin(self._crews, look_up_lost=look_up_lost)

    # --- opening and closing ------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Open every account.

        One that cannot be opened is recorded and tried again later; when none can, the first one's error is raised, and
        what wants a person is in the outbox. Raises Locked when any is in use elsewhere, and ConfigError for a session file
        that cannot be used.
        """
        try:
            async with asyncio.TaskGroup() as group:
                opening = {name: group.create_task(self._man(name)) for name in self._names}
        except BaseExceptionGroup as errors:
            error = first_of(errors)
            raise error from error.__cause__
        refused = {name: refusal for name, task in opening.items() if (refusal := task.result()) is not None}
        if not self._crews:
            for name, refusal in refused.items():
                if isinstance(refusal, LoginNeeded | AccountDead):
                    await self._voice.tell_loss(name, refusal, self._clock(), heard_by=Counter(), waiting=0)
            raise next(iter(refused.values()))
        for name, refusal in refused.items():
            log.error("account not at work", account=name, error=str(refusal))

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

    # --- at work ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until stopped. Raises what ended the last account, Stuck, or what ended a loop of ours."""
        pinner = Pinner(self.pin, Pulse(self._stop), missing=lambda: self._roster.missing)
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
        carried = self._roster.carried_by(crew.name)
        log.error("account lost", account=crew.name, channels=len(carried), error=str(error))
        del self._crews[crew.name]
        await self._go_ashore(crew.name, error)
        await crew.close()
        if not self._crews:
            raise error
        await self._roster.settle(self._crews)
        heard = self._roster.load(carried)
        waiting = len(carried) - heard.total()
        try:
            await self._voice.tell_loss(crew.name, error, self._clock(), heard_by=heard, waiting=waiting)
        except StoreError as failure:
            # The account's state is an alarm all the same, as soon as the database takes it.
            log.error("loss not told", account=crew.name, error=str(failure))

    async def _look_after(self) -> None:
        """Try accounts that are not at work, spread anew what has to be, and tell what is new."""
        while not await self.pulse.wait(LOOK_SECONDS):
            now = asyncio.get_running_loop().time()
            due = [name for name, moment in self._ashore.items() if moment <= now]
            back = [name for name in due if await self._is_back(name)]
            await self._record_again()
            try:
                if back or self._roster.unsettled:
                    await self._roster.settle(self._crews)
                for crew in tuple(self._crews.values()):
                    await self._voice.tell_news(crew.account)
            except StoreError as error:
                log.error("news not told", error=str(error))

    async def _is_back(self, name: str) -> bool:
        """Try an account that is not at work."""
        try:
            refusal: EarshotError | None = await self._man(name)
        except EarshotError as error:
            self._ashore[name] = asyncio.get_running_loop().time() + REOPEN_SECONDS
            refusal = error
        if refusal is not None or self._group is None:
            log.warning("account still not at work", account=name, error=str(refusal))
            return False
        log.info("account back at work", account=name)
        self._group.create_task(self._employ(self._crews[name]))
        return True

    def _note_full(self, name: str) -> None:
        self._roster.note_full(name)
        self.pulse.nudge()

    async def _record_state(self, name: str, state: AccountState, reason: str | None) -> None:
        self._unrecorded[name] = state, reason, self._clock()
        await self._record_again()

    async def _record_again(self) -> None:
        """Store what happened to accounts; what the database does not take now waits for the next look."""
        for name, happened in tuple(self._unrecorded.items()):
            state, reason, at = happened
            try:
                await self._store.accounts.record_state(name, state, reason=reason, at=at)
            except StoreError as error:
                log.error("account state not stored", account=name, state=state.value, error=str(error))
                return
            # Unless something else has happened meanwhile.
            if self._unrecorded.get(name) is happened:
                del self._unrecorded[name]
