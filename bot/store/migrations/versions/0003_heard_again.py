"""Files heard more than once, corrections of alerts, fingerprints, the order of the speech queue.

Revision: 0003. Down: 0002.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Migrations spell types out: they must not change when bot.store.columns does.
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Rows that are read and rewritten at a time: transcripts of hours are long.
_PAGE = 500


def upgrade() -> None:
    """Make the new tables and columns, then fill those that the old data can tell."""
    op.add_column("recordings", sa.Column("seconds", sa.Float(), nullable=True))
    op.add_column("recordings", sa.Column("own_sha256", sa.Text(), nullable=True))
    op.create_index("ix_recordings_own_sha256", "recordings", ["own_sha256"])
    op.add_column("transcripts", sa.Column("model", sa.Text(), nullable=True))
    op.add_column("transcripts", sa.Column("hearing_id", ROW_ID, nullable=True))
    op.add_column("outbox", sa.Column("corrects", ROW_ID, nullable=True))
    op.drop_index("ix_alerts_created_at", "alerts")
    op.create_index("ix_alerts_created_at_channel_id", "alerts", ["created_at", "channel_id"])
    _hearings()
    _fingerprints()
    _fill("recordings", "recording_id", "media", "seconds", _seconds)
    _fill("transcripts", "sha256", "transcript", "model", lambda transcript: transcript.get("model"))


def _hearings() -> None:
    op.create_table(
        "hearings",
        sa.Column("hearing_id", ROW_ID, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("alert", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_since", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("transcript", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("hearing_id", name=op.f("pk_hearings")),
    )
    op.create_index("ix_hearings_sha256", "hearings", ["sha256"])
    op.create_index("ix_hearings_state_why_state_since", "hearings", ["state", "why", "state_since"])
    _queue("ix_hearings_due", ["why", "hearing_id"], unique=False)
    _queue("ix_hearings_wanted", ["sha256", "model"], unique=True)
    op.create_table(
        "corrections",
        sa.Column("correction_id", ROW_ID, nullable=False),
        sa.Column("alert_id", ROW_ID, nullable=False),
        sa.Column("hearing_id", ROW_ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("correction", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name=op.f("fk_corrections_alert_id")),
        sa.ForeignKeyConstraint(["hearing_id"], ["hearings.hearing_id"], name=op.f("fk_corrections_hearing_id")),
        sa.PrimaryKeyConstraint("correction_id", name=op.f("pk_corrections")),
        sa.UniqueConstraint("alert_id", "hearing_id", name=op.f("uq_corrections_alert_id_hearing_id")),
    )


def _queue(name: str, columns: list[str], *, unique: bool) -> None:
    wanted = sa.text("state = 'wanted'")
    op.create_index(name, "hearings", columns, unique=unique, sqlite_where=wanted, postgresql_where=wanted)


def _fingerprints() -> None:
    op.create_table(
        "fingerprints",
        sa.Column("fingerprint_id", ROW_ID, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint_id", name=op.f("pk_fingerprints")),
        sa.UniqueConstraint("sha256", name=op.f("uq_fingerprints_sha256")),
    )
    op.create_table(
        "fingerprint_keys",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fingerprint_id", ROW_ID, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("key", "fingerprint_id", name=op.f("pk_fingerprint_keys")),
        sqlite_with_rowid=False,
    )


def _seconds(media: dict[str, Any]) -> float | None:
    seconds = media.get("duration")
    return seconds if seconds is not None and math.isfinite(seconds) else None


def _fill(table: str, key: str, source: str, target: str, read: Callable[[dict[str, Any]], Any]) -> None:
    """Fill a column from what stands in the JSON of another.

    Not by the databases' own functions: PostgreSQL's refuse \\u0000, which a stranger's file name may hold, and neither
    knows NaN.
    """
    rows = sa.table(table, sa.column(key), sa.column(source), sa.column(target))
    place, text = rows.c[key], rows.c[source]
    update = rows.update().where(place == sa.bindparam("place")).values({target: sa.bindparam("value")})
    for page in _pages(sa.select(place, text), place):
        found = [{"place": name, "value": read(json.loads(noun))} for name, noun in page]
        known = [row for row in found if row["value"] is not None]
        if known:
            op.get_bind().execute(update, known)


def _pages(query: Any, key: Any) -> Iterator[Sequence[Any]]:
    after: Any = None
    while True:
        rest = query if after is None else query.where(key > after)
        page = op.get_bind().execute(rest.order_by(key).limit(_PAGE)).all()
        if not page:
            return
        yield page
        after = page[-1][0]
