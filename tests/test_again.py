"""A window of the archive is heard again by another model: asked for once, counted, and reported post by post."""

import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app.again import again
from bot.app.stores import open_store
from bot.config import Config, load_config
from bot.errors import ConfigError, ModelMissing
from bot.health.jsonable import to_json
from bot.model import RecordingState, utc_now
from bot.sandbox.stage import SPEECH_MODEL
from tests.configured import Folder, server_key
from tests.monitor.desk import BLOGGER, GURULEV, Desk, HandClock, spoken, voice

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

NOW = utc_now()
SINCE = NOW - timedelta(days=30)
HOUR = timedelta(hours=1)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A configuration with the demo's model."""
    with ExitStack() as stack:
        folder = Folder(tmp_path / "earshot", stack, key=server_key())
        return load_config(folder.path / "earshot.yaml", environment={})


@pytest.fixture
async def desk(config: Config) -> AsyncIterator[Desk]:
    """Two voice notes, one of them reposted two hours later, heard by some model."""
    async with open_store(config) as store:
        for channel in (GURULEV, BLOGGER):
            await store.channels.pin(channel, account="main")
        desk = Desk(store, HandClock(NOW))
        await desk.hear(voice(posted_at=NOW - 72 * HOUR), voice(number=2, document=78, posted_at=NOW - 50 * HOUR))
        for recording in await desk.recordings(RecordingState.WANTED):
            await desk.transcribe(recording, spoken("доложил что генерал попов снят"))
        await desk.hear(voice(channel=BLOGGER, number=9, posted_at=NOW - 70 * HOUR))
        yield desk


async def test_what_changes_is_reported_post_by_post(config: Config, desk: Desk) -> None:
    """Asked once; each post that bears a recording has what is new and what has gone, and when it came after the first."""
    begun = await again(config, desk.store, model=str(SPEECH_MODEL), since=SINCE)
    assert begun.model == str(SPEECH_MODEL)
    assert begun.identity
    assert begun.identity.startswith(f"{SPEECH_MODEL.name} ")
    assert (begun.asked, begun.counts, begun.differences) == (2, {"wanted": 2, "done": 0, "failed": 0}, ())
    assert (await again(config, desk.store, model=str(SPEECH_MODEL), since=SINCE)).asked == 0
    newest, other = await desk.store.hearings.due(NOW, 9)
    await desk.store.hearings.record_failed(newest.hearing_id, reason="damaged", at=NOW)
    said = replace(spoken("доложил что вышел приказ"), model=begun.identity)
    assert await desk.monitor.observe_hearing(other, said) == 0
    found = await again(config, desk.store, model=str(SPEECH_MODEL), since=SINCE, ask=False)
    assert (found.asked, found.counts) == (0, {"wanted": 0, "done": 1, "failed": 1})
    assert [(one.link, one.reason) for one in found.refused] == [("https://t.me/agurulev/2", "damaged")]
    repost, first = found.differences
    assert (repost.link, repost.channel, repost.after) == ("https://t.me/osvedomitel/9", "@osvedomitel", 2 * HOUR)
    assert (first.link, first.posted_at, first.after) == ("https://t.me/agurulev/1", NOW - 72 * HOUR, None)
    for difference in found.differences:
        ((new,), (gone,)) = (difference.new, difference.vanished)
        assert (new.rule_id, new.text, new.at) == ("commander-relieved", "доложил что вышел приказ", 3.0)
        assert (gone.title, gone.text, gone.at) == ("Commander dismissed", "доложил что генерал попов снят", 3.0)
    plain = json.loads(json.dumps(to_json(found)))
    assert [one["after"] for one in plain["differences"]] == [7200.0, None]
    # What failed is asked for anew, what was heard is not.
    assert (await again(config, desk.store, model=str(SPEECH_MODEL), since=SINCE)).asked == 1


async def test_a_window_may_be_a_channel_and_a_time(config: Config, desk: Desk) -> None:
    """Only what was posted there and then; a model whose weights are not here yet goes by its name."""
    later = NOW - 71 * HOUR
    found = await again(
        config, desk.store, model="large-v3", since=later, until=NOW - 60 * HOUR, channel="@osvedomitel"
    )
    assert (found.model, found.identity, found.asked) == ("large-v3", None, 1)
    assert (await again(config, desk.store, model="large-v3", since=NOW - HOUR)).asked == 0


async def test_what_is_not_known_is_refused(config: Config, desk: Desk) -> None:
    """A channel that is not here and a model that nobody knows write nothing."""
    with pytest.raises(ConfigError, match="@nobody: no such channel here"):
        await again(config, desk.store, model="large-v3", since=SINCE, channel="@nobody")
    with pytest.raises(ModelMissing, match="neither a folder that exists nor a known name"):
        await again(config, desk.store, model="larg", since=SINCE)
    assert await desk.store.hearings.due(NOW, 9) == ()
