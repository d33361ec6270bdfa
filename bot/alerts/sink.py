"""Where alerts go, as the dispatcher sees it."""

from typing import Protocol

from bot.model import Parcel, Receipt


class Sink(Protocol):
    """A way out. The analyst chat and `AppriseSink` are sinks."""

    name: str

    async def send(self, parcel: Parcel) -> Receipt:
        """Deliver the parcel; one whose `random_id` was delivered before is success, where the sink can tell.

        Raises SinkError, which says whether trying again can help and when.
        """
        ...
