"""The baseline: a plain Telethon listener as tools in this field write it.

Handlers for new, edited and deleted messages insert rows into SQLite and tell a chat of posts with a word; the session is
Telethon's own SQLite file, and a supervisor starts it again when it ends. Run by the zygote: `FOLDER KIND`, where KIND is
"plain" (`catch_up` off, as most such tools have it) or "plain, catch_up".
"""

import asyncio
import json
import random
import sqlite3
import sys
from pathlib import Path
from typing import Any

import yaml
from telethon import TelegramClient, events
from telethon.crypto import AuthKey, rsa
from telethon.sessions import SQLiteSession

READY = "plain listener ready"
WORDS = {"alpha": "ракета", "beta": "генерал", "gamma": "потери"}
SCHEMA = """
CREATE TABLE IF NOT EXISTS posts (channel INTEGER, message INTEGER, text TEXT);
CREATE TABLE IF NOT EXISTS edits (channel INTEGER, message INTEGER, text TEXT);
CREATE TABLE IF NOT EXISTS deletions (channel INTEGER, message INTEGER);
"""


def main() -> None:
    """Listen until disconnected."""
    folder, kind = Path(sys.argv[1]), sys.argv[2]
    asyncio.run(listen(folder, catch_up=kind.endswith("catch_up")))


async def listen(folder: Path, *, catch_up: bool) -> None:
    """What every tutorial shows: a client, handlers, run_until_disconnected."""
    settings = yaml.safe_load((folder / "earshot.yaml").read_text("utf-8"))
    handles = [one["handle"] for one in yaml.safe_load((folder / "channels.yaml").read_text("utf-8"))["channels"]]
    db = sqlite3.connect(folder / "data" / "plain.db", isolation_level=None)
    db.executescript(SCHEMA)
    client = _client(folder, settings["telegram"]["server"], catch_up=catch_up)
    desk = settings["alerts"]["chat"]

    async def alert(message: Any, channel: int) -> None:
        for rule, word in WORDS.items():
            if word in message.message:
                await client.send_message(desk, f"alert {rule} {channel} {message.id}")

    async def on_new(event: Any) -> None:
        db.execute("INSERT INTO posts VALUES (?, ?, ?)", (event.chat_id, event.message.id, event.message.message))
        await alert(event.message, event.chat_id)

    async def on_edit(event: Any) -> None:
        db.execute("INSERT INTO edits VALUES (?, ?, ?)", (event.chat_id, event.message.id, event.message.message))
        await alert(event.message, event.chat_id)

    async def on_delete(event: Any) -> None:
        for message_id in event.deleted_ids:
            db.execute("INSERT INTO deletions VALUES (?, ?)", (event.chat_id, message_id))

    client.add_event_handler(on_new, events.NewMessage(chats=handles))
    client.add_event_handler(on_edit, events.MessageEdited(chats=handles))
    client.add_event_handler(on_delete, events.MessageDeleted(chats=handles))
    await client.connect()
    if not await client.is_user_authorized():
        sys.exit("log in first")
    # As the documentation advises, so that every entity is known.
    await client.get_dialogs()
    await _save(client)
    await client.send_message(desk, READY)
    keeping = asyncio.create_task(_keep(client))
    await client.run_until_disconnected()
    keeping.cancel()


async def _keep(client: TelegramClient) -> None:
    """What Telethon's keepalive does every 60 s (client/updates.py), at the pace of the drills: every second.

    Without it a run of some seconds would end before the state that `catch_up` needs is saved for the first time, and
    before a dead peer is found.
    """
    while True:
        await asyncio.sleep(1.0)
        if client._sender._transport_connected():
            client._sender._keepalive_ping(random.randrange(-(2**63), 2**63))
            await _save(client)


async def _save(client: TelegramClient) -> None:
    await client._save_states_and_entities()
    client.session.save()


def _client(folder: Path, server: dict[str, Any], *, catch_up: bool) -> TelegramClient:
    """A client on a Telethon session file, which gets the login of the watching account the first time."""
    rsa.add_key(Path(server["public_key_file"]).read_bytes(), old=False)
    session = SQLiteSession(str(folder / "data" / "plain"))
    if session.auth_key is None:
        login = json.loads((folder / "data" / "sessions" / "main.session").read_text("utf-8"))
        session.set_dc(server["dc"], server["host"], server["port"])
        session.auth_key = AuthKey(bytes.fromhex(login["auth_key"]))
        session.save()
    return TelegramClient(session, 1, "0123456789abcdef0123456789abcdef", catch_up=catch_up)
