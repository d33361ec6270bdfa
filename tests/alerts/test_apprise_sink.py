"""Alerts through Apprise, against a web server on loopback."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from bot.alerts.apprise_sink import AppriseSink
from bot.alerts.render import render
from bot.errors import ConfigError, SinkError
from tests.alerts.makers import NOW, delivery, voice_alert
from tests.configured import CLOSED_PORT


class Hook:
    """A webhook that keeps what it gets and answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[dict[str, Any]] = []
        self.port = 0

    async def take(self, request: web.Request) -> web.Response:
        self.got.append(await request.json())
        return web.Response(status=self.status)


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    """The webhook, listening."""
    hook, app = Hook(), web.Application()
    app.router.add_post("/{path:.*}", hook.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hook.port = runner.addresses[0][1]
    yield hook
    await runner.cleanup()


async def test_an_alert_arrives_with_subject_and_marked_words(hook: Hook) -> None:
    """Title, severity and text reach the service, the matched words between asterisks."""
    sink = AppriseSink("desk", f"json://127.0.0.1:{hook.port}/alerts")
    receipt = await sink.send(render(delivery(voice_alert()), now=NOW))
    (got,) = hook.got
    assert got["title"] == "HIGH #12 Commander dismissed or killed: Андрей Гурулёв (@agurulev)"
    assert got["type"] == "failure"
    assert "│ … Министр *подписал приказ* и *избавился* от меня." in got["message"]
    assert got["message"].rstrip().endswith("https://t.me/agurulev/5120")
    assert receipt.reference == "desk:4711"


async def test_a_refusal_is_worth_another_try(hook: Hook) -> None:
    """Apprise does not tell why, so every failure is temporary."""
    hook.status = 500
    sink = AppriseSink("desk", f"json://127.0.0.1:{hook.port}/")
    with pytest.raises(SinkError, match="'desk'") as caught:
        await sink.send(render(delivery(voice_alert()), now=NOW))
    assert caught.value.permanent is False


async def test_an_unreachable_service_is_worth_another_try() -> None:
    """A refused connection is temporary."""
    sink = AppriseSink("desk", f"json://127.0.0.1:{CLOSED_PORT}/")
    with pytest.raises(SinkError) as caught:
        await sink.send(render(delivery(voice_alert()), now=NOW))
    assert caught.value.permanent is False


@pytest.mark.parametrize("url", ["nosuch://user:sekret@host", "tgram://sekret", "mailto://sekret", "sekret", ""])
def test_a_wrong_url_names_the_entry_and_keeps_its_secret(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """The error says which entry is wrong; neither it nor the log shows what the URL holds."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ConfigError, match="alert sink 'desk'") as caught:
        AppriseSink("desk", url)
    assert "sekret" not in str(caught.value)
    assert "sekret" not in caplog.text
