"""One recording, however it comes: fingerprints of how files sound, and files that are heard as another one."""

import json
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import StoreError
from bot.model import RecordingState
from bot.store.appearances import load_appearances, recordings_of
from bot.store.engine import Database, insert_new, verb
from bot.store.nouns import Appearance
from bot.store.schema import fingerprint_keys, fingerprints, recordings

_SQLITE = "SELECT CAST(value AS INTEGER) AS key FROM json_each(:k)"
_POSTGRESQL = "SELECT CAST(value AS bigint) AS key FROM json_array_elements_text(CAST(:k AS json)) AS value"


class Twins:
    """The same speech in other bytes: transcribed once, matched and alerted for every post that bears it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @verb
    async def record_fingerprint(self, sha256: str, fingerprint: bytes, keys: Collection[int]) -> None:
        """Keep how a file sounds; `keys` (64 bits, signed) are what it is found by. A second one changes nothing."""
        async with self._database.write() as conn:
            row = {"sha256": sha256, "fingerprint": fingerprint}
            for (number,) in await insert_new(conn, fingerprints, [row], fingerprints.c.fingerprint_id):
                rows = [{"key": key, "fingerprint_id": number} for key in sorted(set(keys))]
                if rows:
                    await conn.execute(fingerprint_keys.insert(), rows)

    @verb
    async def fingerprint(self, sha256: str) -> bytes | None:
        """How a file sounds, if that was recorded."""
        async with self._database.read() as conn:
            query = sa.select(fingerprints.c.fingerprint).where(fingerprints.c.sha256 == sha256)
            found: bytes | None = await conn.scalar(query)
            return None if found is None else bytes(found)

    @verb
    async def find_similar(
        self, keys: Collection[int], limit: int, *, but: str | None = None
    ) -> tuple[tuple[str, bytes], ...]:
        """(sha256, fingerprint) of the files that share keys, those that share most first; `but`: not this one.

        Only files that recordings are heard as: fetched or transcribed, neither given up nor known as a twin's.
        """
        if not keys:
            return ()
        f, k = fingerprints.c, fingerprint_keys.c
        async with self._database.read() as conn:
            wanted = _wanted(conn, keys)
            of_use = sa.exists().where(
                recordings.c.sha256 == f.sha256,
                recordings.c.state.in_((RecordingState.FETCHED, RecordingState.DONE)),
            )
            query = (
                sa.select(f.sha256, f.fingerprint)
                .select_from(
                    wanted.join(fingerprint_keys, k.key == wanted.c.key).join(
                        fingerprints, f.fingerprint_id == k.fingerprint_id
                    )
                )
                .where(of_use, *([f.sha256 != but] if but is not None else []))
                .group_by(f.fingerprint_id, f.sha256, f.fingerprint)
                .order_by(sa.func.count().desc(), f.fingerprint_id)
                .limit(limit)
            )
            return tuple((sha256, bytes(fingerprint)) for sha256, fingerprint in await conn.execute(query))

    @verb
    async def make_twin(self, recording_id: int, sha256: str) -> bool:
        """What was fetched of this recording is the recording `sha256` in another encoding: it is heard as that one.

        It then comes from `due` with the transcript as its `twin`, or, while there is none, as that file. Return whether
        that is new. Raise StoreError when no recording is heard as `sha256`.
        """
        c = recordings.c
        this = recordings.update().where(c.recording_id == recording_id)
        async with self._database.write() as conn:
            # That one may have been found to be a third one's twin meanwhile.
            of = await conn.scalar(sa.select(c.sha256).where(c.own_sha256 == sha256).limit(1)) or sha256
            if not await recordings_of(conn, of):
                raise StoreError(f"No recording is heard as {sha256}: nothing can be its twin")
            fetched = this.where(c.state == RecordingState.FETCHED, c.sha256 != of)
            own = sa.func.coalesce(c.own_sha256, c.sha256)
            moved = await conn.execute(fetched.values(sha256=of, own_sha256=own))
            fuller = this.where(c.state == RecordingState.DONE, c.fuller.is_not(None), c.fuller != of)
            moved_fuller = await conn.execute(fuller.values(fuller=of, own_sha256=c.fuller))
            return bool(moved.rowcount or moved_fuller.rowcount)

    @verb
    async def appearances(self, sha256: str) -> tuple[Appearance, ...]:
        """Every post that bears this recording in any encoding, deleted ones included, the first post first."""
        async with self._database.read() as conn:
            found = await load_appearances(conn, await recordings_of(conn, sha256))
        return tuple(sorted(found, key=lambda one: (one.message.posted_at, one.message.key)))


def _wanted(conn: AsyncConnection, keys: Collection[int]) -> sa.CTE:
    given = sa.text(_SQLITE if conn.dialect.name == "sqlite" else _POSTGRESQL)
    given = given.bindparams(sa.bindparam("k", json.dumps(sorted(set(keys))), sa.Text))
    return given.columns(key=sa.BigInteger).cte("wanted")
