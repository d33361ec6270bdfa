"""Killed anywhere: SIGKILL at every store verb and around every send, while 200 posts arrive, 20 of them voice notes."""

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest

from bot.model import Key, Kind, MessageId, RecordingState, Source, utc_now
from bot.rules import Field, RuleSet, Subject, parse_rules
from bot.sandbox.stage import Stage
from bot.store import Store
from tests.conftest import ALL
from tests.e2e.conftest import OpenStage
from tests.e2e.killable import POINTS

RECORDINGS = Path(__file__).parents[1] / "speech" / "recordings"
CHANNELS = [{"handle": "lawmaker", "language": "ru"}, {"handle": "blogger"}, {"handle": "digest"}]
POSTS, VOICES = 200, 20
TEXTS = (
    "Удар ракетами Storm Shadow под Бердянском",
    "Командующего армией отстранили от должности",
    "Доброе утро, сегодня солнечно",
    "Мы несём тяжёлые потери",
    "Итоги недели в одном посте",
)
# Few, for every life compiles them anew.
RULES = """\
rules:
  - {id: storm-shadow, match: '"Storm Shadow"'}
  - {id: removed, match: '(командующий OR должность) AND (отстранить OR снять)'}
  - {id: heavy-losses, match: '"тяжёлые потери"'}
"""
LAUNCHER = str(Path(__file__).with_name("killable.py"))


def script(seed: int) -> list[dict[str, Any]]:
    """What will be posted, in order: 180 texts and 20 distinct voice notes, shuffled by `seed`."""
    voices = [{"voice": RECORDINGS / entry["file"]} for entry in _spoken()[:VOICES]]
    texts = [{"text": f"{TEXTS[number % len(TEXTS)]} ({number})"} for number in range(POSTS - VOICES)]
    posts = [*voices, *texts]
    random.Random(seed).shuffle(posts)
    return posts


def _spoken() -> list[dict[str, Any]]:
    entries = json.loads((RECORDINGS / "manifest.json").read_text("utf-8"))
    return [entry for entry in entries if entry["group"] == "voice"]


@pytest.mark.slow
@pytest.mark.drill
@pytest.mark.timeout(600)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
async def test_every_post_is_stored_once_and_alerted_once_whatever_is_killed_when(
    open_stage: OpenStage, database: str | None, tmp_path: Path
) -> None:
    """After a kill at each point of the work, and at the 1st, 2nd, 3rd ... one, nothing is lost and nothing is told twice."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "few.yaml").write_text(RULES, "utf-8")
    async with open_stage(CHANNELS, settings={"database": database}, rules=folder) as stage:
        feed = Feed(stage, script(seed=7))
        kills = stage.folder / "kills"
        bombs = itertools.chain(POINTS, map(str, itertools.count(1)))
        # So many lives that every point has one; in `make drills` SQLite gets numbered points after that.
        before, during = (4, 2) if ALL and not database else (7, 4)
        while feed.left:
            feed.post(before)
            await stage.start(launcher=(LAUNCHER, next(bombs), str(kills)))
            feed.post(during)
            assert await stage.ended() == -9, stage.log_tail()
        await stage.start()
        await stage.until(lambda: len(stage.desk.messages) > 0, what="life")
        await stage.quiet(stage.desk, seconds=8)
        assert await stage.stop() == 0, stage.log_tail()
        url = database or f"sqlite:///{stage.folder}/data/earshot.db"
        store = await Store.open(url, stage.folder / "data" / "media")
        try:
            await check(store, stage, feed)
        finally:
            await store.close()
        hit = kills.read_text().split()
        assert set(hit) == set(POINTS), "each point was reached and killed at"
        assert database or not ALL or len(hit) > len(POINTS), "and numbered points after that"


class Feed:
    """Posts the script piece by piece, over the channels in turn."""

    def __init__(self, stage: Stage, posts: list[dict[str, Any]]) -> None:
        self._chats = [stage.sandbox.world.handles[channel["handle"]] for channel in CHANNELS]
        self.left = posts
        # (channel id, handle, message id, post)
        self.posted: list[tuple[int, str, int, dict[str, Any]]] = []

    def post(self, count: int) -> None:
        """Post the next few."""
        for post in self.left[:count]:
            chat = self._chats[len(self.posted) % len(self._chats)]
            self.posted.append((chat.channel_id, chat.handle, chat.post(**post), post))
        self.left = self.left[count:]


async def check(store: Store, stage: Stage, feed: Feed) -> None:
    """Compare what is stored and what is in the chat with what was posted."""
    rules = parse_rules({"few.yaml": RULES})
    # What was posted before watching began is not ours: each channel begins at its first pin.
    begins = {channel.channel_id: channel.watch_from for channel in await store.channels.all()}
    expected: set[tuple[str, str]] = set()
    voices = 0
    for channel_id, handle, message_id, post in feed.posted:
        if message_id < begins[channel_id]:
            continue
        key = Key(channel_id=channel_id, message_id=MessageId(message_id))
        versions = await store.archive.versions(key)
        assert len(versions) == 1, (handle, message_id)
        fields = [Field(source=Source.TEXT, text=post.get("text", ""))]
        if "voice" in post:
            voices += 1
            transcript = await store.archive.transcript(key)
            assert transcript is not None, (handle, message_id)
            fields = [Field(source=Source.TRANSCRIPT, text=transcript.text)]
        kind = Kind.VOICE if "voice" in post else Kind.TEXT
        expected |= {(rule, f"https://t.me/{handle}/{message_id}") for rule in matched(rules, handle, kind, fields)}
    shown = [
        (line.removeprefix("Rule").partition("·")[0].strip(), link)
        for message in stage.desk.messages
        for line in message.text.splitlines()
        if line.startswith("Rule")
        for link in [message.text.split()[-1]]
    ]
    assert len(shown) == len(set(shown)), "an alert is in the chat twice"
    assert set(shown) == expected
    assert len(expected) > POSTS / 3
    status = await store.archive.status(utc_now())
    assert status.recordings.get(RecordingState.DONE, 0) == voices
    assert (status.unread, status.quarantined, status.failed) == (0, 0, ())
    assert all(row.gaps == 0 for row in status.channels)


def matched(rules: RuleSet, handle: str, kind: Kind, fields: list[Field]) -> list[str]:
    """Ids of the rules that a post of these fields meets."""
    subject = Subject(channel_id=-1001, handle=handle, category="other", kind=kind, fields=tuple(fields))  # type: ignore[arg-type]
    return [match.rule_id for match in rules.match(subject)]
