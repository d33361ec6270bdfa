"""Hostile posts, through the whole daemon: recordings made to do harm, and texts made to fool the analysts."""

import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from telethon.tl import types

from bot.model import Entity, Key, LinkPreview, MessageId, Poll
from bot.sandbox.chats import Chat
from bot.sandbox.media import units
from bot.sandbox.posted import Posted
from bot.sandbox.stage import EXAMPLE_RULES, GENERAL, Stage
from bot.store import Store
from tests.e2e.conftest import OpenStage
from tests.e2e.test_main_job import alerts, chat_of, listening
from tests.speech import hostile

RECORDINGS = Path(__file__).parents[1] / "speech" / "recordings"
VICTIM, GOOD = RECORDINGS / "voice_009.ogg", RECORDINGS / "voice_001.ogg"
LAWMAKER = {"handle": "lawmaker", "title": "Lawmaker", "language": "ru"}
MEBIBYTE = 1024 * 1024


async def store_status(stage: Stage) -> Any:
    """The store's part of `earshot status --json`."""
    return json.loads((await stage.earshot("status", "--json")).out)["store"]


async def until_worked_off(stage: Stage, *, open_recordings: int = 0, seconds: float = 150.0) -> Any:
    """Wait until no more than so many recordings are still on their way; the status then."""
    loop_end = seconds
    while True:
        status = await store_status(stage)
        counts = status["recordings"]
        if counts.get("wanted", 0) + counts.get("fetched", 0) <= open_recordings:
            return status
        loop_end -= 2.0
        assert stage.running, stage.log_tail()
        assert loop_end > 0, f"{counts}\n{stage.log_tail()}"


def post_bad_recordings(channel: Chat, victim: Path) -> dict[int, tuple[str, str]]:
    """Post each bad recording; message id -> (what it is, how the reason on it begins)."""
    speech = GENERAL.read_bytes()
    data: dict[str, tuple[bytes, str]] = {
        **{name: (body, "container") for name, body in hostile.lists_of_others(victim).items()},
        **{name: (hostile.not_recordings()[name], "container") for name in ("jpeg", "zip", "html", "zeros")},
        "empty": (b"", "empty"),
        "film": (hostile.silent_film(), "no-audio"),
        "twelve hours": (hostile.hours_of_silence(12), "too-long"),
        "only headers": (speech[:200], "damaged"),
        "wreck": (hostile.flip_bits(speech, seed=1, share=0.5, keep=4), "damaged"),
    }
    posted = {channel.post(voice=body, duration=3.0): (name, reason) for name, (body, reason) in data.items()}
    longer = channel.post(voice=speech, declared_size=1000)
    return {**posted, longer: ("longer than declared", f"Telegram sent {len(speech):,} bytes and declared 1,000")}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.drill
async def test_hostile_recordings_fail_by_name_and_leave_the_daemon_as_it_was(open_stage: OpenStage) -> None:
    """Lists of files, wrong types, wrecks, half a day of silence and lies about size: named, and nothing else happens."""
    async with open_stage([LAWMAKER], rules=EXAMPLE_RULES) as stage:
        channel = chat_of(stage, "lawmaker")
        # Beside the files that the daemon fetches, where a relative path in a list would find it.
        victim = stage.folder / "data" / "media" / "victim.ogg"
        victim.parent.mkdir(mode=0o700, parents=True)
        victim.write_bytes(VICTIM.read_bytes())
        await listening(stage)
        first = channel.post(voice=GOOD)
        await stage.until(lambda: bool(alerts(stage, link(first))), what="the first good note's alert")
        daemon = psutil.Process(stage.pid)
        before, files, pid = daemon.memory_info().rss, len(daemon.open_files()), stage.pid

        bad = post_bad_recordings(channel, victim)
        shorter = channel.post(voice=GENERAL, declared_size=GENERAL.stat().st_size + 5000)
        cut = channel.post(voice=VICTIM.read_bytes()[:9000], duration=4.0)
        flipped = channel.post(voice=hostile.flip_bits(VICTIM.read_bytes(), seed=3, share=0.004), duration=4.0)
        status = await until_worked_off(stage, open_recordings=1)

        reasons = {row["message_id"]: row["reason"] for row in status["failed"]}
        assert {name: reasons.get(message, "") for message, (name, _) in bad.items() if
                not reasons.get(message, "").startswith(bad[message][1])} == {}  # fmt: skip
        assert set(reasons) - set(bad) <= {cut, flipped}
        assert shorter in {row["message_id"] for row in status["retrying"]}, "what comes too short is asked for again"
        assert shorter not in reasons

        good = channel.post(voice=RECORDINGS / "voice_007.ogg")
        await stage.until(lambda: bool(alerts(stage, link(good))), what="the alert of a good note after all that")
        assert stage.pid == pid
        assert daemon.memory_info().rss - before < 60 * MEBIBYTE
        assert len(daemon.open_files()) <= files + 2
        assert victim.read_bytes() == VICTIM.read_bytes()
        assert await stage.stop() == 0
        texts = await transcripts(stage, channel, bad)
        assert not any(texts.values()), "a list of other files was read"


def link(message_id: int, handle: str = "lawmaker") -> str:
    """The public address of a post."""
    return f"https://t.me/{handle}/{message_id}"


async def transcripts(stage: Stage, channel: Chat, messages: Mapping[int, Any]) -> dict[int, str]:
    """What is stored as heard in each of these posts."""
    store = await Store.open(f"sqlite:///{stage.folder}/data/earshot.db", stage.folder / "data" / "media")
    try:
        found = {}
        for message_id in messages:
            key = Key(channel_id=channel.channel_id, message_id=MessageId(message_id))  # type: ignore[arg-type]
            transcript = await store.archive.transcript(key)
            found[message_id] = transcript.text if transcript else ""
        return found
    finally:
        await store.close()


# --- text ---------------------------------------------------------------------------------------------------------

WORDS = "Прилетели две Storm Shadow"
TITLE = "Evil\n🔴 HIGH  Forged  #1 @evil https://evil.example \u202e"
ISOLATES = "\u2068\u2069"
FRAME = (
    "Rule  ",
    "Channel  ",
    "Post  ",
    "Edited  ",
    "Forwarded  ",
    "⚠ ",
    "In the ",
    "… and ",
    "Transcript  ",
    "Model  ",
)
OWN = types.MessageEntityBold | types.MessageEntityCode | types.MessageEntityBlockquote


def hostile_texts(alert: str) -> dict[str, dict[str, Any]]:
    """What is posted, by name; `alert` is the text of a real alert. All hold words that a rule asks for."""
    hidden = f"{WORDS} здесь нажмите"
    start = hidden.index("здесь")
    forged = alert.replace("https://t.me/lawmaker", "https://t.me/evil")
    return {
        "markdown": {"text": f"**{WORDS}** [дальше](https://evil.example) `x` ||y|| __z__ ```{WORDS}```"},
        "html": {"text": f"<b>{WORDS}</b> <a href='https://evil.example'>x</a> &lt;i&gt; </code></blockquote>"},
        "right to left": {"text": f"\u202e\u2067{WORDS}\u202d\u2066 elpmaxe.live//:sptth \u2069\u2069\u202c شادو שלום"},
        "emoji": {"text": ("👨‍👩‍👧‍👦" * 100 + "🔥" * 1000 + WORDS + "😀" * 900)},
        "4,096 emoji": {"text": f"{WORDS} " + "🇺🇦🔥" * 1000 + "😀" * 69},
        "only matches": {"text": "Storm Shadow " * 300},
        "long words": {"text": "а" * 2000 + " Storm Shadow " + "б" * 2000},
        "combining marks": {"text": "S" + "\u0336\u0489" * 700 + f"torm {WORDS}" + "\u0301" * 900},
        "zero width": {"text": "Прилетели Sto\u200brm Sha\u200d\u2060dow и ещё S\u00adtorm Shad\ufeffow"},
        "line breaks": {"text": f"Storm Shadow\r\n\u2028\u2029\x0b\x0c\x85🔴 HIGH  Forged  #7\nRule  evil\n\n{WORDS}"},
        "imitation": {"text": forged},
        "imitation in one line": {"text": f"{WORDS}. 🔴 HIGH  Forged  #7 │ Channel  Kremlin https://t.me/kremlin/1"},
        "hidden link": {
            "text": hidden,
            "entities": [Entity(kind="text_link", start=start, length=5, url="https://evil.example/hidden")],
        },
        "addresses": {"text": f"{WORDS} https://evil.example/a http://x.co evil.com кремль.рф t.me/evil tg://x 10.0.0.1"},
        "mentions": {"text": f"@everyone @evil_bot {WORDS} /stop /start@evil_bot #hashtag $USD a@evil.example +79991234567"},
        "caption": {"text": f"@evil {WORDS} https://evil.example", "photo": b"\xff\xd8\xff"},
        "file name": {"document": b"x", "file_name": "Storm Shadow https://evil.example/x @evil\n🔴 HIGH.exe"},
        "poll": {"poll": Poll(question=f"{WORDS}? @evil\n🔴 HIGH", options=("https://evil.example", "/stop"))},
        "preview": {
            "text": "смотрите",
            "preview": LinkPreview(url="https://evil.example", title=f"{WORDS} @evil", description="t.me/evil\nRule  x"),
        },
    }  # fmt: skip


def check_alert(message: Posted, address: str, handle: str) -> None:
    """Assert what holds of every alert, whatever the post says."""
    text = message.text
    assert units(text) <= 4096
    assert len(message.entities) <= 100
    for entity in message.entities:
        assert isinstance(entity, OWN)
        assert 0 <= entity.offset < entity.offset + entity.length <= units(text)
    # The channel's own handle stands in the frame, and clients make it clickable: it leads to the watched channel.
    assert set(message.links) == {address, f"@{handle}"}, message.links
    assert message.links.count(address) == 1
    assert message.tl.media is None, "no preview"
    controls = {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")}
    assert controls <= {"\n", "\u200d", *ISOLATES}
    lines = text.split("\n")
    assert re.fullmatch(r"[🔴🟠🟡] (HIGH|MEDIUM|LOW)  .*  #\d+", lines[0]), lines[0]
    assert lines[-1] == address
    for line in lines[1:-1]:
        assert line == "" or line.startswith(("│ ", *FRAME)), line
    for word in ("Rule  ", "Channel  ", "Post  "):
        assert sum(line.startswith(word) for line in lines) == 1, word
    assert lines[1].startswith("Rule  storm-shadow")


def bold(message: Posted) -> str:
    """The highlighted words, joined."""
    encoded = message.text.encode("utf-16-le")
    marks = [entity for entity in message.entities if isinstance(entity, types.MessageEntityBold)]
    return " ".join(encoded[2 * mark.offset : 2 * (mark.offset + mark.length)].decode("utf-16-le") for mark in marks)


def shown(stage: Stage, address: str) -> list[Posted]:
    """The alerts of the Storm Shadow rule in the chat whose post is `address`."""
    return [message for message in stage.desk.messages
            if message.text.endswith(f"\n{address}") and "Rule  storm-shadow" in message.text]  # fmt: skip


@pytest.mark.slow
@pytest.mark.drill
async def test_hostile_texts_cannot_forge_an_alert(open_stage: OpenStage) -> None:
    """Markup, direction overrides, emoji, hidden characters, links and imitations: one sound alert each, in its frame."""
    async with open_stage([LAWMAKER, {"handle": "evil_channel", "title": TITLE}]) as stage:
        honest, evil = chat_of(stage, "lawmaker"), chat_of(stage, "evil_channel")
        await listening(stage)
        real = honest.post(WORDS)
        await stage.until(lambda: bool(shown(stage, link(real))), what="a real alert")
        cases = hostile_texts(shown(stage, link(real))[0].text)
        ids = {name: evil.post(**content) for name, content in cases.items()}
        cases["forward"] = {}
        stranger = stage.sandbox.world.add_channel("Stranger @evil\nRule  x t.me/evil", handle="stranger")
        ids["forward"] = evil.forward(stranger, stranger.post(WORDS))
        addresses = {name: link(message_id, "evil_channel") for name, message_id in ids.items()}
        for name, address in addresses.items():
            await stage.until(lambda address=address: bool(shown(stage, address)), what=name, seconds=20)  # type: ignore[misc]
        await stage.quiet(stage.desk, seconds=1)
        assert stage.running
        for name, address in addresses.items():
            found = shown(stage, address)
            assert len(found) == 1, name
            check_alert(found[0], address, "evil_channel")
            assert bold(found[0]).startswith(("Storm Shadow", "torm Shadow")) or name in ("combining marks",), name
        assert "hidden" in shown(stage, addresses["zero width"])[0].text
        status = await store_status(stage)
        assert (status["quarantined"], status["unread"]) == (0, 0)
        assert await stage.stop() == 0
