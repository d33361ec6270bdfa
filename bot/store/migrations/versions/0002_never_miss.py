# ruff: noqa: S608 -- every statement is made of our own constants alone
"""Gaps with their reasons, several accounts, rechecks, alarms, events, albums.

Revision: 0002. Down: 0001.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Migrations spell types out: they must not change when bot.store.columns does.
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def upgrade() -> None:
    """Make the new tables and columns, then fill those that the old data can tell."""
    _accounts()
    _gaps()
    _noticed()
    _indexed()
    _fill_accounts()
    _fill_gaps()
    _tally()
    _fill_albums()


def _accounts() -> None:
    op.add_column("access_hashes", sa.Column("joined", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("channels", sa.Column("account", sa.Text(), nullable=True))
    op.create_index(op.f("ix_channels_account"), "channels", ["account"])
    op.add_column("channels", sa.Column("usual_gap", sa.BigInteger(), nullable=True))
    op.add_column("channels", sa.Column("repair_wanted", MOMENT, nullable=True))
    op.create_table(
        "accounts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("slots", sa.Integer(), nullable=True),
        sa.Column("premium", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_accounts")),
    )
    op.create_table(
        "spends",
        sa.Column("spend_id", ROW_ID, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("spend_id", name=op.f("pk_spends")),
    )
    op.create_index("ix_spends_account_method_at", "spends", ["account", "method", "at"])


def _gaps() -> None:
    op.add_column("ledger", sa.Column("how", sa.Text(), server_default="sweep", nullable=False))
    op.create_table(
        "gaps",
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("first_id <= last_id", name=op.f("ck_gaps_ordered")),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.channel_id"], name=op.f("fk_gaps_channel_id")),
        sa.PrimaryKeyConstraint("channel_id", "first_id", name=op.f("pk_gaps")),
    )
    op.create_index("ix_gaps_since", "gaps", ["since"])
    op.create_table(
        "tallies",
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("ids", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "state", "how", name=op.f("pk_tallies")),
    )


def _noticed() -> None:
    op.create_table(
        "rechecks",
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stored_at", MOMENT, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id", "message_id"],
            ["messages.channel_id", "messages.message_id"],
            name=op.f("fk_rechecks_channel_id_message_id"),
        ),
        sa.PrimaryKeyConstraint("channel_id", "message_id", name=op.f("pk_rechecks")),
    )
    op.create_index("ix_rechecks_due_at", "rechecks", ["due_at"])
    op.create_table(
        "events",
        sa.Column("event_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.channel_id"], name=op.f("fk_events_channel_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_events")),
        sa.UniqueConstraint("channel_id", "kind", "at", name=op.f("uq_events_channel_id_kind_at")),
    )
    op.create_table(
        "alarms",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_alarms")),
    )
    op.create_table(
        "told",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_told")),
    )


def _indexed() -> None:
    op.add_column("messages", sa.Column("album_id", sa.BigInteger(), nullable=True))
    _partial("ix_messages_album", "messages", ["channel_id", "album_id"], "album_id IS NOT NULL")
    _partial("ix_versions_deleted", "versions", ["stored_at", "channel_id"], "change = 'deleted'")
    _partial("ix_recordings_retrying", "recordings", ["next_try"], "next_try IS NOT NULL")
    _partial("ix_recordings_in_part", "recordings", ["state_since"], "state = 'done' AND reason IS NOT NULL")
    op.add_column("recordings", sa.Column("fuller", sa.Text(), nullable=True))
    op.create_index("ix_alerts_created_at", "alerts", ["created_at"])
    op.create_index("ix_search_documents_channel", "search_documents", ["channel_id", "posted_at", "message_id"])


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _fill_accounts() -> None:
    """Until now one account, `main`, heard every channel: `joined` was its, and so it carries what it can ask for."""
    is_main = "access_hashes.account = 'main' AND access_hashes.channel_id = channels.channel_id"
    op.execute(f"UPDATE channels SET account = 'main' WHERE EXISTS (SELECT 1 FROM access_hashes WHERE {is_main})")
    op.execute(
        "UPDATE access_hashes SET joined = COALESCE((SELECT channels.joined FROM channels WHERE "
        f"{is_main}), joined) WHERE account = 'main'"
    )
    op.drop_column("channels", "joined")


def _fill_gaps() -> None:
    """Between each run and the next, before the first and after the last, from watch_from to top_id."""
    greatest, least = ("max", "min") if op.get_bind().dialect.name == "sqlite" else ("greatest", "least")
    runs = (
        # A run before everything, which makes the ids before the first run a hole like any other.
        "SELECT channel_id, watch_from, top_id, watch_from - 1 AS first_id, watch_from - 1 AS last_id FROM channels "
        "UNION ALL SELECT channel_id, watch_from, top_id, first_id, last_id FROM ledger JOIN channels USING (channel_id) "
        "WHERE last_id >= watch_from AND first_id <= top_id"
    )
    holes = (
        f"SELECT channel_id, {greatest}(last_id + 1, watch_from) AS first_id, {least}(top_id, COALESCE("
        "LEAD(first_id) OVER (PARTITION BY channel_id ORDER BY last_id, first_id) - 1, top_id)) AS last_id "
        f"FROM ({runs}) AS runs"
    )
    now = datetime.now(UTC)
    since = int((now - _EPOCH).total_seconds() * 1e6) if greatest == "max" else now
    op.get_bind().execute(
        sa.text(
            "INSERT INTO gaps (channel_id, first_id, last_id, since, reason) "
            f"SELECT channel_id, first_id, last_id, :since, :reason FROM ({holes}) AS holes WHERE first_id <= last_id"
        ),
        {"since": since, "reason": "open before gaps were dated"},
    )


def _tally() -> None:
    """Count what the runs hold, and keep the count in step by triggers, which cost no way to the database."""
    size = "{0}.last_id - {0}.first_id + 1"
    op.execute(
        f"INSERT INTO tallies SELECT channel_id, state, how, SUM({size.format('ledger')}) FROM ledger "
        "GROUP BY channel_id, state, how"
    )
    add = (
        f"INSERT INTO tallies VALUES (new.channel_id, new.state, new.how, {size.format('new')}) "
        "ON CONFLICT (channel_id, state, how) DO UPDATE SET ids = tallies.ids + excluded.ids;"
    )
    remove = (
        f"UPDATE tallies SET ids = ids - ({size.format('old')}) "
        "WHERE channel_id = old.channel_id AND state = old.state AND how = old.how;"
    )
    if op.get_bind().dialect.name == "sqlite":
        for event, body in (("INSERT", add), ("DELETE", remove), ("UPDATE", f"{remove} {add}")):
            op.execute(f"CREATE TRIGGER ledger_{event.lower()} AFTER {event} ON ledger BEGIN {body} END")
        return
    op.execute(
        "CREATE FUNCTION tally_ledger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP <> 'INSERT' THEN {remove} END IF; IF TG_OP <> 'DELETE' THEN {add} END IF; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER tally_ledger AFTER INSERT OR UPDATE OR DELETE ON ledger "
        "FOR EACH ROW EXECUTE FUNCTION tally_ledger()"
    )


def _fill_albums() -> None:
    """`album_id` stands in the JSON of a state: within a text the quotes would be escaped, so the first one is it."""
    newest = (
        "versions.channel_id = messages.channel_id AND versions.message_id = messages.message_id "
        "AND versions.number = messages.current"
    )
    if op.get_bind().dialect.name == "sqlite":
        # CAST takes the digits at the beginning, and makes `null` 0.
        number = "NULLIF(CAST(substr(message, instr(message, '\"album_id\":') + 11, 22) AS INTEGER), 0)"
    else:
        number = "CAST(substring(message FROM '\"album_id\": ?(-?[0-9]+)') AS bigint)"
    op.execute(
        f"UPDATE messages SET album_id = (SELECT {number} FROM versions WHERE {newest}) WHERE current IS NOT NULL"
    )
