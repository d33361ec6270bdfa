"""What machines are told: HTTP answers, systemd messages, stuck loops; and how loops wait."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ConfigError
from bot.health.http import Health, ask
from bot.health.jsonable import to_json
from bot.model import Channel, ChannelId, Gap, MessageId, Wait, utc_now
from bot.pulse import Pulse
from bot.sandbox.stage import free_port


def health(idle_for: float = 0.0) -> Health:
    """A service with one loop and a snapshot."""

    async def snapshot() -> object:
        return Gap(channel_id=ChannelId(-1001), first=MessageId(3), last=MessageId(5))

    return Health({"listener": (lambda: idle_for, 10.0)}, snapshot)


async def test_healthz_and_status_answer_on_loopback() -> None:
    """A healthy service says so, and its status is the snapshot as JSON."""
    port = free_port()
    runner = await health().serve(port)
    try:
        alive = await ask(port, "/healthz")
        status = await ask(port, "/status")
    finally:
        await runner.cleanup()
    assert alive is not None
    assert alive["ok"] is True
    assert status is not None
    assert status["store"] == {"channel_id": -1001, "first": 3, "last": 5, "since": None, "reason": ""}
    assert await ask(port, "/healthz") is None, "nobody answers any more"


async def test_a_stuck_loop_is_named() -> None:
    """A loop without progress past its bound turns the answer to 503 and is named in it."""
    port = free_port()
    runner = await health(idle_for=11.0).serve(port)
    try:
        alive = await ask(port, "/healthz")
    finally:
        await runner.cleanup()
    assert alive is not None
    assert (alive["ok"], alive["stuck"]) == (False, ["listener"])


async def test_a_taken_port_is_a_clear_error() -> None:
    """Two services on one port: the second is told which key to change."""
    port = free_port()
    runner = await health().serve(port)
    try:
        with pytest.raises(ConfigError, match=f"health.port: 127.0.0.1:{port}"):
            await health().serve(port)
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("idle_for", [0.0, 11.0])
async def test_systemd_hears_ready_watchdog_and_stopping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, idle_for: float
) -> None:
    """READY once, WATCHDOG while no loop is stuck, STOPPING at the end; a stuck service stays silent."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(tmp_path / "notify"))
    listener.setblocking(False)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "60000")
    stop = asyncio.Event()
    task = asyncio.create_task(health(idle_for).watch(Pulse(stop)))
    await asyncio.sleep(0.2)
    stop.set()
    await task
    heard = []
    try:
        while True:
            heard.append(listener.recv(100).decode())
    except BlockingIOError:
        listener.close()
    assert (heard[0], heard[-1]) == ("READY=1", "STOPPING=1")
    assert ("WATCHDOG=1" in heard) is (idle_for == 0.0)


async def test_systemd_that_is_gone_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notify socket that nobody reads any more does not end the watch."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    stop = asyncio.Event()
    task = asyncio.create_task(health(0.0).watch(Pulse(stop)))
    await asyncio.sleep(0.05)
    assert not task.done()
    stop.set()
    await task


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Wait(account="main", method="x", until=utc_now()), dict),
        ({("chat", 1): {1, 2}}, dict),
        (b"\x00\xff", str),
        ((1, None, True), list),
    ],
)
def test_nouns_become_json_values(value: Any, expected: type) -> None:
    """Dataclasses, times, tuples as keys, sets and bytes all become plain JSON values."""
    assert isinstance(to_json(value), expected)


def test_an_access_hash_stays_out_of_json() -> None:
    """The hash by which one account names a channel is nobody else's business, and too large for JSON's readers."""
    channel = to_json(Channel(channel_id=ChannelId(-1001), access_hash=2**60, handle="x"))
    assert channel["handle"] == "x"
    assert "access_hash" not in channel


async def test_a_nudge_wakes_a_waiting_loop_and_is_not_lost_while_it_works() -> None:
    """Nudged while waiting or while working, the next wait returns at once; stopped, it says so."""
    stop = asyncio.Event()
    pulse = Pulse(stop)
    waiting = asyncio.create_task(pulse.wait(60))
    await asyncio.sleep(0)
    pulse.nudge()
    assert await waiting is False
    pulse.nudge()
    assert await pulse.wait(60) is False
    stop.set()
    assert await pulse.wait(60) is True


async def test_a_loop_is_busy_only_while_it_works() -> None:
    """`busy_for` counts from the end of the last wait, and is 0 while waiting."""
    pulse = Pulse(asyncio.Event())
    await pulse.wait(0.0)
    await asyncio.sleep(0.02)
    assert pulse.busy_for >= 0.02
    waiting = asyncio.create_task(pulse.wait(60))
    await asyncio.sleep(0.02)
    assert pulse.busy_for == 0.0
    pulse.nudge()
    await waiting
