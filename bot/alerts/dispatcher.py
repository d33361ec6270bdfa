"""Delivers what is due in the outbox, in order: should we, try, record."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from bot.alerts.rate import Rate
from bot.alerts.render import follow_up, is_correction, render, short
from bot.alerts.sink import Editor, Sink
from bot.errors import SinkError, StoreError
from bot.model import Clock, Delivery, Parcel, Receipt, utc_now
from bot.pulse import PATIENCE, Pulse
from bot.store import Store

log = structlog.get_logger()

T = TypeVar("T")

# Seconds between the tries of one delivery; the last one is repeated.
BACKOFF = (1, 5, 30, 120)
# Seconds without a nudge after which the outbox is looked at anyway: other loops write notices.
_IDLE = 10.0
# The share of what a sink may be sent that corrections get which only add English.
_ENGLISH_SHARE = 4
# Seconds that a sink may take; what arrived nevertheless is recognised by its random_id.
_PATIENCE = 90.0


class Dispatcher:
    """The way from the outbox to one sink.

    A delivery is recorded as sent only after the sink took it, and every try carries the same random_id: a kill in
    between costs a repeated send that the server recognises. A delivery that has to wait holds up those behind it, so
    order is kept. One that the sink refuses for good is tried once more in its shortest form; then it is recorded as
    failed, and a notice on every sink says so. A correction changes what was sent, as often as it is tried; a sink that
    cannot do that is told what is to be changed. One that only adds English goes when nothing else does, and rarely
    enough to leave room for alerts.
    """

    def __init__(
        self,
        store: Store,
        sink: Sink,
        pulse: Pulse,
        *,
        clock: Clock = utc_now,
        per_second: float,
        per_minute: int,
        sinks: Sequence[str] = (),
        patience: Sequence[float] = PATIENCE,
    ) -> None:
        """`sinks`: the names of all sinks, which are told when an alert could not be delivered to this one.

        `patience`: pauses between the tries while the store fails.
        """
        self._store = store
        self._sink = sink
        self._pulse = pulse
        self._clock = clock
        self._rate = Rate(per_second=per_second, per_minute=per_minute)
        self._english_rate = Rate(per_second=per_second, per_minute=max(1, per_minute // _ENGLISH_SHARE))
        self._all_sinks = tuple(dict.fromkeys((sink.name, *sinks)))
        self._patience = tuple(patience)

    async def run(self) -> None:
        """Deliver until the service stops. Raises StoreError when the store still fails after the last of its retries."""
        while not self._pulse.stopping:
            pause = await self.deliver_due()
            await self._pulse.wait(_IDLE if pause is None else min(pause, _IDLE))

    async def drain(self, seconds: float) -> None:
        """Deliver, after the loop has ended, what is due or comes due within `seconds`; then return in any case."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        try:
            async with asyncio.timeout_at(deadline):
                pause = await self.deliver_due()
                while pause is not None and loop.time() + pause < deadline:
                    await asyncio.sleep(pause)
                    pause = await self.deliver_due()
        except TimeoutError:
            log.warning("outbox not drained", sink=self._sink.name, seconds=seconds)

    async def deliver_due(self) -> float | None:
        """Deliver what is due and may go now; seconds until looking again is worth while, None when nothing waits."""
        outbox, sink = self._store.outbox, self._sink.name
        for delivery in await self._steadily(lambda: outbox.due(sink, self._clock())):
            if (pause := self._pause(delivery)) > 0:
                return pause
            if not await self._deliver(delivery):
                break
        next_due = await self._steadily(lambda: outbox.next_due(sink))
        return None if next_due is None else max(0.0, (next_due - self._clock()).total_seconds())

    def _pause(self, delivery: Delivery) -> float:
        now = self._clock()
        pause = self._rate.wait(now)
        return max(pause, self._english_rate.wait(now)) if delivery.adds_english else pause

    async def _steadily(self, work: Callable[[], Awaitable[T]]) -> T:
        """One step with the store; what was sent is not sent again because the database was full for a while."""
        return await self._pulse.persist(work, on=StoreError, pauses=self._patience)

    async def _deliver(self, delivery: Delivery) -> bool:
        """Try once and record the outcome; False when this delivery has to wait, and those behind it with it."""
        try:
            receipt, english = await self._send(delivery)
        except SinkError as error:
            if error.permanent:
                await self._give_up(delivery, str(error))
                return True
            await self._retry_later(delivery, error)
            return False
        now = self._clock()
        outbox, number = self._store.outbox, delivery.delivery_id
        upto = delivery.upto if english and not receipt.repeated else None
        await self._steadily(lambda: outbox.record_sent(number, receipt, now, english_upto=upto))
        log.info("delivered", sink=self._sink.name, delivery=delivery.delivery_id, alert=_number(delivery))
        return True

    async def _send(self, delivery: Delivery) -> tuple[Receipt, bool]:
        """Send the whole alert, or its shortest form if the sink refuses the whole one for good; and whether what was sent
        shows the post in English.
        """
        if delivery.adds_english:
            self._english_rate.count(self._clock())
        if is_correction(delivery):
            return await self._correct(delivery)
        parcel = self._rendered(delivery, self._clock())
        try:
            return await self._try(parcel), parcel.english
        except SinkError as error:
            brief = short(delivery)
            if not error.permanent or brief.text == parcel.text:
                raise
            log.warning(
                "refused, sending the short form", sink=self._sink.name, alert=_number(delivery), error=str(error)
            )
            return await self._try(brief), False

    async def _correct(self, delivery: Delivery) -> tuple[Receipt, bool]:
        """Change the alert in its place; where that cannot be, say in a message of its own what is to be changed."""
        if delivery.edits is not None and isinstance(self._sink, Editor):
            parcel = self._rendered(delivery, delivery.sent_at or self._clock())
            try:
                return await self._answered(self._sink.edit(delivery.edits, parcel)), parcel.english
            except SinkError as error:
                if not error.permanent:
                    raise
                log.warning(
                    "not edited, sending a notice", sink=self._sink.name, alert=_number(delivery), error=str(error)
                )
        return await self._try(follow_up(delivery)), False

    def _rendered(self, delivery: Delivery, now: datetime) -> Parcel:
        """A fault of ours in rendering one alert must neither lose it nor block the ones behind it."""
        try:
            return render(delivery, now=now)
        except Exception:
            log.exception("rendering failed, sending the short form", alert=_number(delivery))
            return short(delivery)

    async def _try(self, parcel: Parcel) -> Receipt:
        return await self._answered(self._sink.send(parcel))

    async def _answered(self, call: Awaitable[Receipt]) -> Receipt:
        self._rate.count(self._clock())
        try:
            async with asyncio.timeout(_PATIENCE):
                return await call
        except TimeoutError:
            raise SinkError(f"{self._sink.name}: no answer in {_PATIENCE:.0f} s", permanent=False) from None

    async def _retry_later(self, delivery: Delivery, error: SinkError) -> None:
        seconds = BACKOFF[min(delivery.attempts, len(BACKOFF) - 1)] if error.retry_after is None else error.retry_after
        log.warning(
            "not delivered, trying again",
            sink=self._sink.name,
            delivery=delivery.delivery_id,
            attempts=delivery.attempts + 1,
            seconds=seconds,
            error=str(error),
        )
        next_try = self._clock() + timedelta(seconds=seconds)
        reason = str(error)
        await self._steadily(
            lambda: self._store.outbox.record_retry(delivery.delivery_id, reason=reason, next_try=next_try)
        )

    async def _give_up(self, delivery: Delivery, reason: str) -> None:
        """The notice comes first: a kill in between repeats it, the other order could lose it."""
        now = self._clock()
        log.error("not delivered", sink=self._sink.name, alert=_number(delivery), reason=reason)
        if delivery.alert is not None:
            what = "A correction" if is_correction(delivery) else "An alert"
            text = f"⚠ {what} was not delivered to {self._sink.name}: {reason}\n{short(delivery).text}"
            await self._steadily(lambda: self._store.outbox.add_notice(self._all_sinks, text, now))
        await self._steadily(lambda: self._store.outbox.record_failed(delivery.delivery_id, reason=reason, at=now))


def _number(delivery: Delivery) -> int | None:
    """The alert's number for the log; None for a notice."""
    return delivery.alert.alert_id if delivery.alert else None
