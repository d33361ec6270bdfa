"""Mail, webhooks and other chats, through Apprise."""

import asyncio
import logging
import warnings

import apprise

from bot.errors import ConfigError, SinkError
from bot.model import Parcel, Receipt, Severity

_TYPES = {
    Severity.HIGH: apprise.NotifyType.FAILURE,
    Severity.MEDIUM: apprise.NotifyType.WARNING,
    Severity.LOW: apprise.NotifyType.INFO,
}


class AppriseSink:
    """A sink for any service that Apprise knows by URL (github.com/caronc/apprise/wiki).

    Apprise has no idempotency key: after a kill between a send and its record, or an answer that was lost, the alert
    is sent again. At least once, then, and the alert number in the text tells a reader which two are one.
    """

    def __init__(self, name: str, url: str) -> None:
        """Raises ConfigError, which never shows more of the URL than its scheme: the rest holds passwords."""
        # Its log lines quote a URL that it cannot read, secrets included; what matters is raised here.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            # The first call loads every plugin, and one of them still imports `imghdr`.
            warnings.simplefilter("ignore", DeprecationWarning)
            service = apprise.Apprise.instantiate(url)
        if service is None:
            scheme = url.split("://", 1)[0] if "://" in url else "?"
            raise ConfigError(
                f"alert sink {name!r}: its url ({scheme}://…) is not one that Apprise understands. "
                f"Expected one as in github.com/caronc/apprise/wiki, for example mailto://user:password@example.org"
            )
        if "overflow=" not in url:
            # A service with a shorter limit gets the alert in parts; the default would have it refused for ever.
            service.overflow_mode = apprise.OverflowMode.SPLIT
        self.name = name
        self._apprise = apprise.Apprise()
        self._apprise.add(service)

    async def send(self, parcel: Parcel) -> Receipt:
        """Deliver in a thread. Raises SinkError that is worth another try: Apprise does not tell why it failed."""
        if not await asyncio.to_thread(self._notify, parcel):
            raise SinkError(f"alert sink {self.name!r}: the service did not take the alert", permanent=False)
        return Receipt(reference=f"{self.name}:{parcel.random_id}")

    def _notify(self, parcel: Parcel) -> bool:
        """As text, never as markup: a service that wants HTML gets it escaped by Apprise."""
        return bool(
            self._apprise.notify(
                body=emphasised(parcel),
                title=parcel.title,
                notify_type=_TYPES[parcel.severity],
                body_format=apprise.NotifyFormat.TEXT,
            )
        )


def emphasised(parcel: Parcel) -> str:
    """The text with the bold words between asterisks, for readers without entities."""
    text = parcel.text
    for entity in sorted(parcel.entities, key=lambda entity: -entity.start):
        if entity.kind == "bold":
            end = entity.start + entity.length
            text = f"{text[: entity.start]}*{text[entity.start : end]}*{text[end:]}"
    return text
