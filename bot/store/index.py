"""The search index: one document per post, of its newest state and its transcript."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Message, Source
from bot.store.engine import insert
from bot.store.schema import search_documents
from bot.store.texts import words
from bot.transcript import Transcript

# A token that nobody can type: keeps phrases from reaching out of one field into the next.
_BORDER = "¶"
# PostgreSQL keeps no later positions of a word, and no more than 255 of them; a vector may have 1 MB.
_LAST_POSITION = 16_383
_MOST_POSITIONS = 255
_MOST_BYTES = 900_000


def fields(message: Message, transcript: Transcript | None) -> list[tuple[Source, str]]:
    """The texts of a post in which words are looked for."""
    found = [(Source.CAPTION if message.media else Source.TEXT, message.text)]
    if message.poll:
        found.append((Source.POLL, "\n".join((message.poll.question, *message.poll.options))))
    if message.preview:
        found.append((Source.PREVIEW, f"{message.preview.title}\n{message.preview.description}"))
    if message.media and message.media.file_name:
        found.append((Source.FILE_NAME, message.media.file_name))
    if transcript:
        found.append((Source.TRANSCRIPT, transcript.text))
    return [(source, text) for source, text in found if text.strip()]


async def index_posts(conn: AsyncConnection, posts: Sequence[tuple[Message, Transcript | None]]) -> None:
    """Put the posts into the index, in place of what it had of them."""
    rows = [_document(conn.dialect.name, message, transcript) for message, transcript in posts]
    if not rows:
        return
    statement = insert(conn, search_documents)
    renewed = {name: statement.excluded[name] for name in ("posted_at", "folded", "vector")}
    key = [search_documents.c.channel_id, search_documents.c.message_id]
    await conn.execute(statement.on_conflict_do_update(index_elements=key, set_=renewed), rows)


def _document(dialect: str, message: Message, transcript: Transcript | None) -> dict[str, Any]:
    found: list[str] = []
    for _, text in fields(message, transcript):
        found += [_BORDER] if found else []
        found += words(text)
    return {
        "channel_id": message.channel_id,
        "message_id": message.message_id,
        "posted_at": message.posted_at,
        "folded": " ".join(found),
        "vector": _vector(found) if dialect == "postgresql" else None,
    }


def _vector(found: Sequence[str]) -> str:
    """The words as PostgreSQL reads a tsvector: its own parser would cut them otherwise than SQLite does."""
    places: dict[str, list[int]] = {}
    for position, word in enumerate(found, start=1):
        places.setdefault(word, []).append(min(position, _LAST_POSITION))
    size, lexemes = 0, []
    for word, positions in places.items():
        kept = list(dict.fromkeys(positions))[:_MOST_POSITIONS]
        size += len(word.encode()) + 2 * len(kept) + 8
        if size > _MOST_BYTES:
            break
        lexemes.append(f"'{word}':{','.join(map(str, kept))}")
    return " ".join(lexemes)
