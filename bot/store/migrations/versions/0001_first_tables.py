"""The first tables.

Revision: 0001.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Migrations spell types out: they must not change when bot.store.columns does.
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
VECTOR = sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql")


def upgrade() -> None:
    """Make every table, and each engine's own full-text index."""
    _watched()
    _heard()
    _kept()
    _raised()
    if op.get_bind().dialect.name == "sqlite":
        _fts()
    else:
        op.create_index("ix_search_documents_vector", "search_documents", ["vector"], postgresql_using="gin")


def _watched() -> None:
    op.create_table(
        "about",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_about")),
    )
    op.create_table(
        "access_hashes",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("access_hash", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "channel_id", name=op.f("pk_access_hashes")),
    )
    op.create_table(
        "channels",
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("handle", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("joined", sa.Boolean(), nullable=False),
        sa.Column("watched", sa.Boolean(), nullable=False),
        sa.Column("watch_from", sa.BigInteger(), nullable=False),
        sa.Column("top_id", sa.BigInteger(), nullable=False),
        sa.Column("pts", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_since", MOMENT, nullable=True),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("messages", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("versions", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("deleted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("newest_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_channels")),
    )
    op.create_table(
        "waits",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("account", "method", name=op.f("pk_waits")),
    )
    op.create_table(
        "backfills",
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("reached", sa.BigInteger(), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.channel_id"], name=op.f("fk_backfills_channel_id")),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_backfills")),
    )


def _heard() -> None:
    op.create_table(
        "ledger",
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint("first_id <= last_id", name=op.f("ck_ledger_ordered")),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.channel_id"], name=op.f("fk_ledger_channel_id")),
        sa.PrimaryKeyConstraint("channel_id", "first_id", name=op.f("pk_ledger")),
    )
    op.create_table(
        "messages",
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("current", sa.Integer(), nullable=True),
        sa.Column("service", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("deleted_how", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.channel_id"], name=op.f("fk_messages_channel_id")),
        sa.PrimaryKeyConstraint("channel_id", "message_id", name=op.f("pk_messages")),
    )
    op.create_table(
        "raw_messages",
        sa.Column("raw_id", ROW_ID, nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("layer", sa.Integer(), nullable=False),
        sa.Column("service", sa.Boolean(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("heard_at", MOMENT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.channel_id"], name=op.f("fk_raw_messages_channel_id")),
        sa.PrimaryKeyConstraint("raw_id", name=op.f("pk_raw_messages")),
    )
    op.create_index("ix_raw_messages_message", "raw_messages", ["channel_id", "message_id"])
    op.create_index(
        "ix_raw_messages_quarantined",
        "raw_messages",
        ["raw_id"],
        sqlite_where=sa.text("state = 'quarantined'"),
        postgresql_where=sa.text("state = 'quarantined'"),
    )
    op.create_index(
        "ix_raw_messages_unread",
        "raw_messages",
        ["raw_id"],
        sqlite_where=sa.text("state = 'unread'"),
        postgresql_where=sa.text("state = 'unread'"),
    )
    op.create_table(
        "recordings",
        sa.Column("recording_id", ROW_ID, nullable=False),
        sa.Column("document_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("media", sa.Text(), nullable=False),
        sa.Column("posted_at", MOMENT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_since", MOMENT, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.channel_id"], name=op.f("fk_recordings_channel_id")),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_recordings")),
        sa.UniqueConstraint("document_id", name=op.f("uq_recordings_document_id")),
    )
    op.create_index(op.f("ix_recordings_sha256"), "recordings", ["sha256"])
    op.create_index("ix_recordings_state_since", "recordings", ["state", "state_since"])


def _kept() -> None:
    op.create_table(
        "versions",
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("stored_at", MOMENT, nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("raw_id", ROW_ID, nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("recording_id", ROW_ID, nullable=True),
        sa.Column("lag", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["channel_id", "message_id"],
            ["messages.channel_id", "messages.message_id"],
            name=op.f("fk_versions_channel_id_message_id"),
        ),
        sa.ForeignKeyConstraint(["raw_id"], ["raw_messages.raw_id"], name=op.f("fk_versions_raw_id")),
        sa.ForeignKeyConstraint(["recording_id"], ["recordings.recording_id"], name=op.f("fk_versions_recording_id")),
        sa.PrimaryKeyConstraint("channel_id", "message_id", "number", name=op.f("pk_versions")),
    )
    op.create_index(
        "ix_versions_lag",
        "versions",
        ["stored_at", "channel_id", "lag"],
        sqlite_where=sa.text("lag IS NOT NULL"),
        postgresql_where=sa.text("lag IS NOT NULL"),
    )
    op.create_index(
        "ix_versions_recording_id",
        "versions",
        ["recording_id"],
        sqlite_where=sa.text("recording_id IS NOT NULL"),
        postgresql_where=sa.text("recording_id IS NOT NULL"),
    )
    op.create_table(
        "transcripts",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("transcript", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_transcripts")),
    )
    op.create_table(
        "search_documents",
        sa.Column("document_id", ROW_ID, nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("posted_at", MOMENT, nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("vector", VECTOR, nullable=True),
        sa.ForeignKeyConstraint(
            ["channel_id", "message_id"],
            ["messages.channel_id", "messages.message_id"],
            name=op.f("fk_search_documents_channel_id_message_id"),
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_search_documents")),
        sa.UniqueConstraint("channel_id", "message_id", name=op.f("uq_search_documents_channel_id_message_id")),
    )
    op.create_index("ix_search_documents_posted_at", "search_documents", ["posted_at"])


def _raised() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert_id", ROW_ID, nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("spoken", sa.Boolean(), nullable=False),
        sa.Column("match", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("update_of", ROW_ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["channel_id", "message_id", "version"],
            ["versions.channel_id", "versions.message_id", "versions.number"],
            name=op.f("fk_alerts_channel_id_message_id_version"),
        ),
        sa.ForeignKeyConstraint(["update_of"], ["alerts.alert_id"], name=op.f("fk_alerts_update_of")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
        sa.UniqueConstraint(
            "channel_id",
            "message_id",
            "rule_id",
            "version",
            "spoken",
            name=op.f("uq_alerts_channel_id_message_id_rule_id_version_spoken"),
        ),
    )
    op.create_index("ix_alerts_rule_id", "alerts", ["rule_id"])
    op.create_table(
        "outbox",
        sa.Column("delivery_id", ROW_ID, nullable=False),
        sa.Column("sink", sa.Text(), nullable=False),
        sa.Column("random_id", sa.BigInteger(), nullable=False),
        sa.Column("alert_id", ROW_ID, nullable=True),
        sa.Column("notice", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("state_since", MOMENT, nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(alert_id IS NULL) <> (notice IS NULL)", name=op.f("ck_outbox_alert_or_notice")),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name=op.f("fk_outbox_alert_id")),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("alert_id", "sink", name=op.f("uq_outbox_alert_id_sink")),
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["sink", "delivery_id"],
        sqlite_where=sa.text("state = 'due'"),
        postgresql_where=sa.text("state = 'due'"),
    )
    op.create_index("ix_outbox_sink_state", "outbox", ["sink", "state"])


def _fts() -> None:
    """FTS5 over search_documents.folded, kept in step by triggers.

    See "External Content Tables" on https://sqlite.org/fts5.html. The `ascii` tokenizer cuts at spaces alone here: the
    words are folded already, and hold nothing but letters and digits.
    """
    op.execute(
        "CREATE VIRTUAL TABLE search_index USING fts5"
        "(folded, content='search_documents', content_rowid='document_id', tokenize='ascii')"
    )
    add = "INSERT INTO search_index(rowid, folded) VALUES (new.document_id, new.folded);"
    remove = "INSERT INTO search_index(search_index, rowid, folded) VALUES ('delete', old.document_id, old.folded);"
    for event, body in (("INSERT", add), ("DELETE", remove), ("UPDATE OF folded", f"{remove} {add}")):
        name = f"search_documents_{event.split()[0].lower()}"
        op.execute(f"CREATE TRIGGER {name} AFTER {event} ON search_documents BEGIN {body} END")
