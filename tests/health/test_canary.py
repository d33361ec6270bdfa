"""The canary's two ends: what is posted can be found again, and the dead-man's URL is asked for what came in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.canary import CANARY, canary_post, match_canary, posted_at
from bot.errors import SinkError
from bot.health.canary import CanarySink
from bot.model import Parcel
from bot.sandbox.stage import free_port
from tests.configured import CLOSED_PORT
from tests.health.makers import NOON


class DeadMan:
    """An outside service that counts who asks it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.pings = 0
        self.answer = 200
        self.delay = 0.0

    async def ping(self, _: web.Request) -> web.Response:
        self.pings += 1
        await asyncio.sleep(self.delay)
        return web.Response(status=self.answer)


@asynccontextmanager
async def dead_man() -> AsyncIterator[DeadMan]:
    """One on loopback."""
    port = free_port()
    service = DeadMan(f"http://127.0.0.1:{port}/ping/secret-uuid")
    app = web.Application()
    app.router.add_get("/ping/secret-uuid", service.ping)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield service
    finally:
        await runner.cleanup()


def parcel(age: float) -> Parcel:
    """An alert as it is rendered, about a canary posted so many seconds before noon."""
    return Parcel(text=f"🟡 Canary\n┃ {canary_post(NOON - timedelta(seconds=age))}\nhttps://t.me/c/1/2")


def sink(url: str | None) -> CanarySink:
    """The sink at noon, with a canary every ten minutes."""
    return CanarySink(url, every=600.0, clock=lambda: NOON)


@given(st.datetimes(min_value=NOON.replace(tzinfo=None), max_value=NOON.replace(year=2500, tzinfo=None)))
def test_a_canary_is_found_with_the_moment_of_its_post(at: object) -> None:
    """Every canary matches its rule once, where it stands, and tells when it was posted, to the millisecond."""
    posted = at.replace(tzinfo=NOON.tzinfo)  # type: ignore[attr-defined]
    text = f"┃ {canary_post(posted)} ┃"
    (match,) = match_canary(text)
    (span,) = match.spans
    assert text[span.start : span.end] == span.form
    assert match.rule_id == CANARY
    found = posted_at(span.form)
    assert found is not None
    assert abs(found - posted) <= timedelta(milliseconds=1)


def test_no_two_canaries_are_alike() -> None:
    """Two posted in one moment have forms of their own: the second alerts as well."""
    forms = {span.form for _ in range(100) for match in match_canary(canary_post(NOON)) for span in match.spans}
    assert len(forms) == 100


@pytest.mark.parametrize("text", ["", "canary", "Storm Shadow", "canary zz-11111111", "canary 18949d5e300-1234567"])
def test_other_posts_are_no_canaries(text: str) -> None:
    """What somebody else writes into the channel raises nothing and pings nothing."""
    assert match_canary(text) == ()
    assert posted_at(text) is None


async def test_a_canary_in_time_pings() -> None:
    """The URL is asked once, and the way from post to ping is kept."""
    async with dead_man() as service:
        end = sink(service.url)
        assert end.facts(trouble=None).heard_at is None
        await end.send(parcel(2.5))
        facts = end.facts(trouble=None)
    assert (service.pings, facts.heard_at, facts.round_trip) == (1, NOON, 2.5)


async def test_a_canary_that_comes_late_does_not_ping() -> None:
    """What thawed after two periods is delivered, but proves nothing."""
    async with dead_man() as service:
        end = sink(service.url)
        receipt = await end.send(parcel(1201))
        assert (service.pings, end.facts(trouble=None).heard_at, receipt.reference) == (0, None, "late")
        await end.send(parcel(1199))
        assert service.pings == 1


@pytest.mark.parametrize("answer", [301, 404, 500])
async def test_a_refusal_is_tried_again_and_keeps_the_secret(answer: int) -> None:
    """Only 2xx counts; the error is worth another try and never shows the URL."""
    async with dead_man() as service:
        service.answer = answer
        end = sink(service.url)
        with pytest.raises(SinkError, match=f"answered {answer}") as refusal:
            await end.send(parcel(1))
    assert not refusal.value.permanent
    assert "secret" not in str(refusal.value)
    assert end.facts(trouble=None).heard_at is None


async def test_nobody_at_the_url() -> None:
    """A service that is down, and a URL that is none, are worth another try and never shown."""
    for url in (f"http://127.0.0.1:{CLOSED_PORT}/secret-uuid", "no url: secret-uuid"):
        with pytest.raises(SinkError, match="no answer") as refusal:
            await sink(url).send(parcel(1))
        assert not refusal.value.permanent
        assert "secret" not in f"{refusal.value} {refusal.value.__cause__}"


async def test_without_a_url_the_canary_is_only_noted() -> None:
    """Its age and round trip are in the status all the same, and anything else in a parcel is no canary."""
    end = sink(None)
    await end.send(Parcel(text="⚠ a notice"))
    assert end.facts(trouble=None).heard_at is None
    await end.send(parcel(1))
    assert end.facts(trouble="refused").round_trip == 1.0
