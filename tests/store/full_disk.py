"""A disk that fills up: run by test_faults, `python -m tests.store.full_disk URL FOLDER`."""

import asyncio
import resource
import sys
from pathlib import Path

from bot.errors import StoreError
from bot.store import Store
from tests.store.making import LAWMAKER, channel, heard, raw


async def main(url: str, folder: Path) -> None:
    """Write until no file may grow; then let files grow again, and hear the same once more."""
    store = await Store.open(url, folder)
    await store.channels.pin(channel(), account="main")
    written = 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
    said = ""
    while not said:
        assert written < 10_000
        try:
            await store.intake.record(heard(raw(written + 1, "x" * 3000), top_id=written + 1))
            written += 1
        except StoreError as error:
            said = str(error)
    sys.stdout.write(said)
    assert len(await store.intake.unread(10_000)) == written
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert await store.intake.record(heard(raw(written + 1, "x" * 3000), top_id=written + 1)) == 1
    await store.close()
    store = await Store.open(url, folder)
    assert len(await store.intake.unread(10_000)) == written + 1
    assert await store.channels.gaps(LAWMAKER) == ()
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
