"""Which account carries which channel: arithmetic alone, so that the same world gives the same spread everywhere.

Telegram lets an account be in 500 channels, 1,000 with Premium (`channels_limit_default` and `channels_limit_premium` of
https://core.telegram.org/api/config). Being in one costs a slot; reading a public one by polling costs none.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.model import Channel, ChannelId, Mode

SLOTS = 500
SLOTS_PREMIUM = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """An account that is at work, as far as spreading channels is concerned."""

    name: str
    # Channels that it may still join.
    free: int
    # Channels that it is in: hearing those costs no further slot.
    member_of: frozenset[ChannelId] = frozenset()
    # Channels that it could ask for now: it has an access hash.
    knows: frozenset[ChannelId] = frozenset()
    # Has Telegram Premium, and with it more slots.
    premium: bool = False


def slots_of(*, premium: bool, followed: int) -> int:
    """How many more channels an account may join that is in `followed` already, its own ones included."""
    return max((SLOTS_PREMIUM if premium else SLOTS) - followed, 0)


def spread(channels: Iterable[Channel], carriers: Sequence[Carrier]) -> dict[ChannelId, str | None]:
    """Who carries each channel; None where nobody can.

    A channel stays where it is while its account is among `carriers` and has a slot for it, so that nothing moves that
    need not. Slots go to the most urgent first; who gets none is polled. A channel that moves goes to an account that is
    in it, else to one that knows it, else to the one that carries least. A channel without a handle can only be heard by
    an account that is in it.
    """
    spreading = _Spreading(carriers)
    wanted = sorted(channels, key=lambda channel: (channel.priority, channel.channel_id))
    spreading.load.update(channel.account for channel in wanted if channel.account)
    return {channel.channel_id: spreading.place(channel) for channel in wanted}


class _Spreading:
    """One run of `spread`: slots and loads as they stand after the channels placed so far."""

    def __init__(self, carriers: Sequence[Carrier]) -> None:
        self.carriers: Mapping[str, Carrier] = {carrier.name: carrier for carrier in carriers}
        self.free = {carrier.name: carrier.free for carrier in carriers}
        # Channels that each one carries.
        self.load: Counter[str] = Counter()

    def place(self, channel: Channel) -> str | None:
        """Choose its carrier, and take the slot."""
        present = self.carriers.get(channel.account or "")
        able = [carrier for carrier in self.carriers.values() if _can_hear(carrier, channel)]
        roomy = [carrier for carrier in able if self._has_room(carrier, channel)]
        if present is not None and (present in roomy or not roomy):
            chosen: Carrier | None = present
        else:
            chosen = min(roomy or able, key=lambda carrier: self._rank(carrier, channel), default=None)
        if chosen is None:
            return None
        if chosen is not present:
            self.load.update([chosen.name])
            self.load.subtract([present.name] if present else [])
        if self._has_room(chosen, channel):
            self.free[chosen.name] -= _cost(chosen, channel)
        return chosen.name

    def _has_room(self, carrier: Carrier, channel: Channel) -> bool:
        return self.free[carrier.name] >= _cost(carrier, channel)

    def _rank(self, carrier: Carrier, channel: Channel) -> tuple[bool, bool, int, str]:
        there, known = channel.channel_id in carrier.member_of, channel.channel_id in carrier.knows
        return not there, not known, self.load[carrier.name], carrier.name


def _cost(carrier: Carrier, channel: Channel) -> int:
    """Slots that hearing it takes."""
    return 0 if channel.mode is Mode.POLL or channel.channel_id in carrier.member_of else 1


def _can_hear(carrier: Carrier, channel: Channel) -> bool:
    return channel.handle is not None or channel.channel_id in carrier.member_of
