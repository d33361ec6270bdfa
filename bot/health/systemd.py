"""Readiness, watchdog and stopping, told to systemd."""

import os
import socket
from collections.abc import Callable, Sequence

import structlog

from bot.pulse import Pulse

log = structlog.get_logger()


async def watch(stuck: Callable[[], Sequence[str]], pulse: Pulse) -> None:
    """Tell systemd that we are ready and alive; without systemd, only log loops that are stuck."""
    notify_systemd("READY=1")
    every = int(os.environ.get("WATCHDOG_USEC", "30000000")) / 1_000_000 / 3
    while not await pulse.wait(every):
        if loops := stuck():
            log.error("loops are stuck", loops=loops)
        else:
            notify_systemd("WATCHDOG=1")
    notify_systemd("STOPPING=1")


def notify_systemd(message: str) -> None:
    """Send one sd_notify message where systemd listens (NOTIFY_SOCKET, see sd_notify(3)); nothing elsewhere.

    Nobody there to take it is no reason to stop: a watchdog that hears nothing does that by itself.
    """
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.setblocking(False)
            try:
                channel.connect("\0" + address[1:] if address.startswith("@") else address)
                channel.sendall(message.encode())
            except OSError as error:
                log.warning("systemd not told", message=message, error=str(error))
