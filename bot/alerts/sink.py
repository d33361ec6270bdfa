"""Where alerts go, as the dispatcher sees it."""

from typing import Protocol, runtime_checkable

from bot.model import Parcel, Receipt


class Sink(Protocol):
    """A way out. The analyst chat and `AppriseSink` are sinks."""

    name: str

    async def send(self, parcel: Parcel) -> Receipt:
        """Deliver the parcel; one whose `random_id` was delivered before is success, where the sink can tell.

        Raises SinkError, which says whether trying again can help and when.
        """
        ...


@runtime_checkable
class Editor(Protocol):
    """A sink that can change what it has delivered. The analyst chat is one."""

    async def edit(self, reference: str, parcel: Parcel) -> Receipt:
        """Put the parcel in the place of what was delivered under this receipt; what reads so already is success.

        Raises SinkError as `send` does: for good, when what was delivered is gone, too old, or not to be found again.
        """
        ...
