"""Who carries what: the wanted channels, spread over the accounts that are at work."""

import asyncio
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import structlog

from bot.errors import AccountDead, LoginNeeded, StoreError
from bot.model import ChannelId, Clock
from bot.store import Store
from bot.telegram.channels import Pinned, WantedChannel, pin_channels
from bot.telegram.crew import Crew
from bot.telegram.voice import Voice

log = structlog.get_logger()

# Seconds until channels that were heard, and that no account can be given, are looked for again. Twice as long each time,
# so many times: from then on the Pinner is as quick.
LOST_SECONDS = 30.0
LOST_TRIES = 4


class Roster:
    """Spreads the channels, and remembers who carries what."""

    def __init__(
        self,
        store: Store,
        wanted: Sequence[WantedChannel],
        voice: Voice,
        clock: Clock,
        *,
        lost_seconds: float = LOST_SECONDS,
    ) -> None:
        """`lost_seconds`: until the first look for channels that were heard and are not."""
        self._store = store
        self._wanted = tuple(wanted)
        self._voice = voice
        self._clock = clock
        self._carriers: Mapping[ChannelId, str | None] = {}
        # Accounts that Telegram lets join no more.
        self._full: set[str] = set()
        self._pinning = asyncio.Lock()
        # Slots have changed, or the database did not let us.
        self._unsettled = False
        # What was heard and is not, and when to look for it again, on the loop's clock.
        self._lost: frozenset[ChannelId] = frozenset()
        self._lost_seconds = lost_seconds
        self._lost_tries = 0
        self._lost_due = math.inf

    @property
    def unsettled(self) -> bool:
        """Whether the channels are to be spread again."""
        return self._unsettled or asyncio.get_running_loop().time() >= self._lost_due

    @property
    def missing(self) -> int:
        """How many of the wanted channels are not heard."""
        return len(self._wanted) - len(self._carriers)

    def carrier_of(self, channel_id: ChannelId) -> str | None:
        """The account that carries the channel."""
        return self._carriers.get(channel_id)

    def carried_by(self, name: str) -> frozenset[ChannelId]:
        """The channels that the account carries."""
        return frozenset(channel_id for channel_id, carrier in self._carriers.items() if carrier == name)

    def load(self, channels: Iterable[ChannelId]) -> Counter[str]:
        """How many of these channels each account carries."""
        return Counter(name for channel_id in channels if (name := self._carriers.get(channel_id)))

    def note_full(self, name: str) -> None:
        """The account may join no more: what it has not joined is for others."""
        self._full.add(name)
        self._unsettled = True

    async def pin(self, crews: Mapping[str, Crew], *, look_up_lost: bool) -> Pinned:
        """Spread the channels over the accounts, leaving out one that turns out to be lost.

        `look_up_lost`: see `pin_channels`. Raises LoginNeeded or AccountDead when no account is left, StoreError.
        """
        async with self._pinning:
            self._unsettled = False
            pinned = None
            while pinned is None:
                able = [crew for crew in crews.values() if crew.dismissed is None]
                if not able:
                    reasons = (crew.dismissed for crew in crews.values() if crew.dismissed is not None)
                    raise next(reasons, AccountDead("no watching account is at work"))
                try:
                    pinned = await self._pin_with(able, look_up_lost)
                except (LoginNeeded, AccountDead):
                    lost = [crew for crew in able if crew.dismiss_if_lost()]
                    if not lost or len(lost) == len(able):
                        raise
            heard = self._lost.union(self._carriers)
            self._carriers = {channel.channel_id: channel.account for channel in pinned.channels}
            self._look_again_for(heard.difference(self._carriers))
        log.info("channels spread", load=dict(self.load(self._carriers)), problems=pinned.problems)
        for name, text in pinned.remarks.items():
            await self._voice.tell(name, text)
        await self._record(able, pinned, crews)
        return pinned

    async def settle(self, crews: Mapping[str, Crew]) -> None:
        """Pin; where the database does not let us, it is to be done again."""
        try:
            await self.pin(crews, look_up_lost=False)
        except StoreError as error:
            log.error("channels not spread", error=str(error))
            self._unsettled = True

    def _look_again_for(self, lost: frozenset[ChannelId]) -> None:
        """Plan the next look for channels that were heard: whoever could not give them away may soon be able to."""
        self._lost_tries = self._lost_tries + 1 if lost and lost <= self._lost else 0
        pause = self._lost_seconds * 2**self._lost_tries if lost and self._lost_tries < LOST_TRIES else math.inf
        self._lost_due = asyncio.get_running_loop().time() + pause
        self._lost = lost

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

    async def _record(self, able: Sequence[Crew], pinned: Pinned, crews: Mapping[str, Crew]) -> None:
        """Have each account hear what it carries now, and its slots shown; not one that has been lost meanwhile."""
        room = {carrier.name: carrier for carrier in pinned.carriers}
        for crew in able:
            if crews.get(crew.name) is not crew:
                continue
            crew.listener.reload()
            await self._store.accounts.record_state(
                crew.name,
                crew.state,
                reason=crew.reason,
                at=self._clock(),
                slots=room[crew.name].free,
                premium=room[crew.name].premium,
            )
