"""The tables, as the newest migration leaves them. Rows are the queues: a state column says what is left to do."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR

from bot.model import Match, Media, Message, Transcript
from bot.store.columns import Moment, Noun, RowId, Text

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _queue(name: str, *columns: str, where: str) -> sa.Index:
    """An index over the few rows that wait for something."""
    return sa.Index(name, *columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _message_key() -> tuple[sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.BigInteger, nullable=False),
    )


# Which Earshot made this database: named when an older one meets it.
about = sa.Table(
    "about",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

channels = sa.Table(
    "channels",
    metadata,
    sa.Column("channel_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("handle", Text),
    sa.Column("title", Text, nullable=False),
    sa.Column("category", Text, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("language", Text),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("joined", sa.Boolean, nullable=False),
    sa.Column("watched", sa.Boolean, nullable=False),
    sa.Column("watch_from", sa.BigInteger, nullable=False),
    sa.Column("top_id", sa.BigInteger, nullable=False),
    sa.Column("pts", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("state_since", Moment),
    sa.Column("state_reason", Text),
    # Counters, moved in the transaction that adds what they count: status stays cheap with millions of rows.
    sa.Column("messages", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("versions", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("deleted", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("newest_at", Moment),
)

access_hashes = sa.Table(
    "access_hashes",
    metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("channel_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("access_hash", sa.BigInteger, nullable=False),
)

waits = sa.Table(
    "waits",
    metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("method", sa.Text, primary_key=True),
    sa.Column("until", Moment, nullable=False),
)

backfills = sa.Table(
    "backfills",
    metadata,
    sa.Column("channel_id", sa.BigInteger, sa.ForeignKey("channels.channel_id"), primary_key=True, autoincrement=False),
    sa.Column("since", Moment, nullable=False),
    sa.Column("reached", sa.BigInteger, nullable=False),
    sa.Column("messages", sa.BigInteger, nullable=False),
    sa.Column("done", sa.Boolean, nullable=False),
)

# Runs of ids in one state, disjoint and as long as can be: see ledger.py.
ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("channel_id", sa.BigInteger, sa.ForeignKey("channels.channel_id"), primary_key=True, autoincrement=False),
    sa.Column("first_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("last_id", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.CheckConstraint("first_id <= last_id", name="ordered"),
)

raw_messages = sa.Table(
    "raw_messages",
    metadata,
    sa.Column("raw_id", RowId, primary_key=True),
    sa.Column("channel_id", sa.BigInteger, sa.ForeignKey("channels.channel_id"), nullable=False),
    sa.Column("message_id", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("layer", sa.Integer, nullable=False),
    sa.Column("service", sa.Boolean, nullable=False),
    sa.Column("how", sa.Text, nullable=False),
    sa.Column("heard_at", Moment, nullable=False),
    # unread, read, quarantined
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", Text),
    # Not unique in (message, digest): a post can return to a state.
    sa.Index("ix_raw_messages_message", "channel_id", "message_id"),
    _queue("ix_raw_messages_unread", "raw_id", where="state = 'unread'"),
    _queue("ix_raw_messages_quarantined", "raw_id", where="state = 'quarantined'"),
)

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("channel_id", sa.BigInteger, sa.ForeignKey("channels.channel_id"), primary_key=True, autoincrement=False),
    sa.Column("message_id", sa.BigInteger, primary_key=True, autoincrement=False),
    # The number of the version that is the post's newest state; NULL while only its raw form is recorded.
    sa.Column("current", sa.Integer),
    sa.Column("service", sa.Boolean, nullable=False),
    sa.Column("deleted_at", Moment),
    sa.Column("deleted_how", sa.Text),
)

recordings = sa.Table(
    "recordings",
    metadata,
    sa.Column("recording_id", RowId, primary_key=True),
    sa.Column("document_id", sa.BigInteger, nullable=False, unique=True),
    # The first post that bore it.
    *_message_key(),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("media", Noun(Media), nullable=False),
    sa.Column("posted_at", Moment, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("state_since", Moment, nullable=False),
    sa.Column("sha256", sa.Text, index=True),
    sa.Column("size", sa.BigInteger),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_try", Moment),
    sa.Column("reason", Text),
    sa.ForeignKeyConstraint(["channel_id"], ["channels.channel_id"]),
    sa.Index("ix_recordings_state_since", "state", "state_since"),
)

versions = sa.Table(
    "versions",
    metadata,
    sa.Column("channel_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("message_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("change", sa.Text, nullable=False),
    sa.Column("stored_at", Moment, nullable=False),
    sa.Column("how", sa.Text, nullable=False),
    # What it was read from; NULL for a deletion.
    sa.Column("raw_id", RowId, sa.ForeignKey("raw_messages.raw_id")),
    sa.Column("message", Noun(Message)),
    sa.Column("recording_id", RowId, sa.ForeignKey("recordings.recording_id")),
    # Microseconds from post to record, of posts that were heard as they came (not by a backfill).
    sa.Column("lag", sa.BigInteger),
    sa.ForeignKeyConstraint(["channel_id", "message_id"], ["messages.channel_id", "messages.message_id"]),
    _queue("ix_versions_recording_id", "recording_id", where="recording_id IS NOT NULL"),
    _queue("ix_versions_lag", "stored_at", "channel_id", "lag", where="lag IS NOT NULL"),
)

# One per file, however many documents or posts bear it.
transcripts = sa.Table(
    "transcripts",
    metadata,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("transcript", Noun(Transcript), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("alert_id", RowId, primary_key=True),
    sa.Column("rule_id", Text, nullable=False),
    *_message_key(),
    sa.Column("version", sa.Integer, nullable=False),
    # Raised when the transcript of this version came, after the text had had its say.
    sa.Column("spoken", sa.Boolean, nullable=False),
    sa.Column("match", Noun(Match), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("update_of", RowId, sa.ForeignKey("alerts.alert_id")),
    sa.UniqueConstraint("channel_id", "message_id", "rule_id", "version", "spoken"),
    sa.ForeignKeyConstraint(
        ["channel_id", "message_id", "version"], ["versions.channel_id", "versions.message_id", "versions.number"]
    ),
    sa.Index("ix_alerts_rule_id", "rule_id"),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("delivery_id", RowId, primary_key=True),
    sa.Column("sink", Text, nullable=False),
    sa.Column("random_id", sa.BigInteger, nullable=False),
    sa.Column("alert_id", RowId, sa.ForeignKey("alerts.alert_id")),
    sa.Column("notice", Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_try", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("state_since", Moment, nullable=False),
    sa.Column("reference", Text),
    sa.Column("reason", Text),
    sa.UniqueConstraint("alert_id", "sink"),
    sa.CheckConstraint("(alert_id IS NULL) <> (notice IS NULL)", name="alert_or_notice"),
    sa.Index("ix_outbox_sink_state", "sink", "state"),
    _queue("ix_outbox_due", "sink", "delivery_id", where="state = 'due'"),
)

# The words of every post's newest state, folded (see texts.py). SQLite indexes `folded` through the FTS5 table
# `search_index`, which the migration makes with its triggers; PostgreSQL indexes `vector`.
search_documents = sa.Table(
    "search_documents",
    metadata,
    sa.Column("document_id", RowId, primary_key=True),
    *_message_key(),
    sa.Column("posted_at", Moment, nullable=False),
    sa.Column("folded", sa.Text, nullable=False),
    sa.Column("vector", sa.Text().with_variant(TSVECTOR(), "postgresql")),
    sa.UniqueConstraint("channel_id", "message_id"),
    sa.ForeignKeyConstraint(["channel_id", "message_id"], ["messages.channel_id", "messages.message_id"]),
    sa.Index("ix_search_documents_posted_at", "posted_at"),
    sa.Index("ix_search_documents_vector", "vector", postgresql_using="gin").ddl_if(dialect="postgresql"),
)
