"""The tables, as the newest migration leaves them. Rows are the queues: a state column says what is left to do."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR

from bot.model import Match, Message
from bot.store.columns import Moment, Noun, RowId, Text
from bot.store.schema_english import translations
from bot.store.schema_speech import corrections, fingerprint_keys, fingerprints, hearings, recordings, transcripts
from bot.store.tables import message_key, metadata, queue

__all__ = [
    "about",
    "access_hashes",
    "accounts",
    "alarms",
    "alerts",
    "backfills",
    "channels",
    "corrections",
    "events",
    "fingerprint_keys",
    "fingerprints",
    "gaps",
    "hearings",
    "ledger",
    "messages",
    "metadata",
    "outbox",
    "raw_messages",
    "rechecks",
    "recordings",
    "search_documents",
    "spends",
    "tallies",
    "told",
    "transcripts",
    "translations",
    "versions",
    "waits",
]

# Which Earshot made this database: named when an older one meets it; and how far something has come.
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
    # The name of the account that hears it.
    sa.Column("account", sa.Text, index=True),
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
    # Microseconds: the 95th percentile of the pauses between its last posts, brought up to date now and then.
    sa.Column("usual_gap", sa.BigInteger),
    # When somebody asked for its gaps to be closed now; NULL once that is done.
    sa.Column("repair_wanted", Moment),
)

access_hashes = sa.Table(
    "access_hashes",
    metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("channel_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("access_hash", sa.BigInteger, nullable=False),
    sa.Column("joined", sa.Boolean, nullable=False, server_default=sa.false()),
)

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("since", Moment, nullable=False),
    sa.Column("reason", Text),
    sa.Column("slots", sa.Integer),
    sa.Column("premium", sa.Boolean, nullable=False),
)

# Calls that Telegram counts, one row each: what is left of an hour's or a day's budget survives a restart.
spends = sa.Table(
    "spends",
    metadata,
    sa.Column("spend_id", RowId, primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index("ix_spends_account_method_at", "account", "method", "at"),
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

# Runs of ids in one state, learned in one way, disjoint and as long as can be: see ledger.py.
ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("channel_id", sa.BigInteger, sa.ForeignKey("channels.channel_id"), primary_key=True, autoincrement=False),
    sa.Column("first_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("last_id", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    # How the id came into this state.
    sa.Column("how", sa.Text, nullable=False, server_default="sweep"),
    sa.CheckConstraint("first_id <= last_id", name="ordered"),
)

# How many ids each channel's runs hold, by state and way: so that nobody need count them. Triggers on `ledger`, which
# the migration makes, move it.
tallies = sa.Table(
    "tallies",
    metadata,
    sa.Column("channel_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("state", sa.Text, primary_key=True),
    sa.Column("how", sa.Text, primary_key=True),
    sa.Column("ids", sa.BigInteger, nullable=False),
)

# Exactly the ids from watch_from to top_id that the ledger does not account for: see gap_rows.py.
gaps = sa.Table(
    "gaps",
    metadata,
    sa.Column("channel_id", sa.BigInteger, sa.ForeignKey("channels.channel_id"), primary_key=True, autoincrement=False),
    sa.Column("first_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("last_id", sa.BigInteger, nullable=False),
    sa.Column("since", Moment, nullable=False),
    sa.Column("reason", Text, nullable=False),
    sa.CheckConstraint("first_id <= last_id", name="ordered"),
    sa.Index("ix_gaps_since", "since"),
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
    queue("ix_raw_messages_unread", "raw_id", where="state = 'unread'"),
    queue("ix_raw_messages_quarantined", "raw_id", where="state = 'quarantined'"),
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
    # Of its newest state: posts of one album share it.
    sa.Column("album_id", sa.BigInteger),
    queue("ix_messages_album", "channel_id", "album_id", where="album_id IS NOT NULL"),
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
    queue("ix_versions_recording_id", "recording_id", where="recording_id IS NOT NULL"),
    queue("ix_versions_lag", "stored_at", "channel_id", "lag", where="lag IS NOT NULL"),
    queue("ix_versions_deleted", "stored_at", "channel_id", where="change = 'deleted'"),
)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("alert_id", RowId, primary_key=True),
    sa.Column("rule_id", Text, nullable=False),
    *message_key(),
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
    # How many alerts each channel has had of late is read from the index alone.
    sa.Index("ix_alerts_created_at_channel_id", "created_at", "channel_id"),
)

# Posts that raised an alert and are looked at again on a schedule: see rechecks.py.
rechecks = sa.Table(
    "rechecks",
    metadata,
    sa.Column("channel_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("message_id", sa.BigInteger, primary_key=True, autoincrement=False),
    # When the version that alerted was stored: the schedule counts from here.
    sa.Column("stored_at", Moment, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.ForeignKeyConstraint(["channel_id", "message_id"], ["messages.channel_id", "messages.message_id"]),
    sa.Index("ix_rechecks_due_at", "due_at"),
)

# What happened to a channel over several posts, as a burst of deletions.
events = sa.Table(
    "events",
    metadata,
    sa.Column("event_id", RowId, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("channel_id", sa.BigInteger, sa.ForeignKey("channels.channel_id"), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("first_id", sa.BigInteger, nullable=False),
    sa.Column("last_id", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("channel_id", "kind", "at"),
)

# What has passed its bound and not come back yet.
alarms = sa.Table(
    "alarms",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("since", Moment, nullable=False),
    sa.Column("text", Text, nullable=False),
)

# Notices that are given once, as the line of a day.
told = sa.Table(
    "told",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("at", Moment, nullable=False),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("delivery_id", RowId, primary_key=True),
    sa.Column("sink", Text, nullable=False),
    sa.Column("random_id", sa.BigInteger, nullable=False),
    sa.Column("alert_id", RowId, sa.ForeignKey("alerts.alert_id")),
    # Of a correction: what a sink is told that cannot edit the alert which it was given.
    sa.Column("notice", Text),
    # The alert that is to be edited in place.
    sa.Column("corrects", RowId),
    # Of an alert: the sink has it with the post in English. Of a correction: that is all that it brings.
    sa.Column("english", sa.Boolean, nullable=False, server_default=sa.false()),
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
    queue("ix_outbox_due", "sink", "delivery_id", where="state = 'due'"),
)

# The words of every post's newest state, folded (see texts.py). SQLite indexes `folded` through the FTS5 table
# `search_index`, which the migration makes with its triggers; PostgreSQL indexes `vector`.
search_documents = sa.Table(
    "search_documents",
    metadata,
    sa.Column("document_id", RowId, primary_key=True),
    *message_key(),
    sa.Column("posted_at", Moment, nullable=False),
    sa.Column("folded", sa.Text, nullable=False),
    sa.Column("vector", sa.Text().with_variant(TSVECTOR(), "postgresql")),
    sa.UniqueConstraint("channel_id", "message_id"),
    sa.ForeignKeyConstraint(["channel_id", "message_id"], ["messages.channel_id", "messages.message_id"]),
    sa.Index("ix_search_documents_posted_at", "posted_at"),
    # Which post of a channel came before a moment, and the pauses between its last posts.
    sa.Index("ix_search_documents_channel", "channel_id", "posted_at", "message_id"),
    sa.Index("ix_search_documents_vector", "vector", postgresql_using="gin").ddl_if(dialect="postgresql"),
)
