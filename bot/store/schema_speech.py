"""The tables of speech: recordings, what was heard in them, and how they sound."""

import sqlalchemy as sa

from bot.model import Changed, Correction, Match, Media
from bot.store.columns import Moment, Noun, RowId, Text
from bot.store.tables import message_key, metadata, queue
from bot.transcript import Transcript

recordings = sa.Table(
    "recordings",
    metadata,
    sa.Column("recording_id", RowId, primary_key=True),
    sa.Column("document_id", sa.BigInteger, nullable=False, unique=True),
    # The first post that bore it.
    *message_key(),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("media", Noun(Media), nullable=False),
    # As declared; NULL where Telegram does not say, or says what cannot be.
    sa.Column("seconds", sa.Float),
    sa.Column("posted_at", Moment, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("state_since", Moment, nullable=False),
    # Of the file whose transcript is this one's: its own, or that of a twin.
    sa.Column("sha256", sa.Text, index=True),
    # Of its own bytes, where they are the recording of `sha256` in another encoding.
    sa.Column("own_sha256", sa.Text, index=True),
    sa.Column("size", sa.BigInteger),
    # Of a fuller file, which came after what there was of it had been transcribed, until it is transcribed too.
    sa.Column("fuller", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_try", Moment),
    sa.Column("reason", Text),
    sa.ForeignKeyConstraint(["channel_id"], ["channels.channel_id"]),
    sa.Index("ix_recordings_state_since", "state", "state_since"),
    queue("ix_recordings_retrying", "next_try", where="next_try IS NOT NULL"),
    queue("ix_recordings_in_part", "state_since", where="state = 'done' AND reason IS NOT NULL"),
)

# One per file, however many documents or posts bear it: that of its last hearing.
transcripts = sa.Table(
    "transcripts",
    metadata,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("transcript", Noun(Transcript), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    # The transcript's, for questions.
    sa.Column("model", Text),
    # The row of `hearings` that it is from; NULL while the file was heard but once.
    sa.Column("hearing_id", RowId),
)

# Further hearings of a file: those wanted, and every transcript that a file ever had once there is a second one.
hearings = sa.Table(
    "hearings",
    metadata,
    sa.Column("hearing_id", RowId, primary_key=True),
    sa.Column("sha256", sa.Text, nullable=False),
    # As it was asked for; of a first hearing, as its transcript names it.
    sa.Column("model", Text, nullable=False),
    # As the transcript names it.
    sa.Column("identity", Text),
    sa.Column("why", sa.Text, nullable=False),
    # Alerts are raised on old posts too.
    sa.Column("alert", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("state_since", Moment, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_try", Moment),
    sa.Column("reason", Text),
    sa.Column("transcript", Noun(Transcript)),
    # What it changed, post by post.
    sa.Column("outcome", Noun(tuple[Changed, ...])),
    sa.Index("ix_hearings_sha256", "sha256"),
    sa.Index("ix_hearings_state_why_state_since", "state", "why", "state_since"),
    queue("ix_hearings_due", "why", "hearing_id", where="state = 'wanted'"),
    # Wanted once, however often it is asked for.
    queue("ix_hearings_wanted", "sha256", "model", where="state = 'wanted'", unique=True),
)

# What a later hearing took back or put otherwise in an alert.
corrections = sa.Table(
    "corrections",
    metadata,
    sa.Column("correction_id", RowId, primary_key=True),
    sa.Column("alert_id", RowId, sa.ForeignKey("alerts.alert_id"), nullable=False),
    sa.Column("hearing_id", RowId, sa.ForeignKey("hearings.hearing_id"), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("correction", Noun(Correction), nullable=False),
    # As the alert stood before.
    sa.Column("before", Noun(Match), nullable=False),
    sa.UniqueConstraint("alert_id", "hearing_id"),
)

# How recordings sound, whatever their encoding: see bot/speech/sound/fingerprint.py.
fingerprints = sa.Table(
    "fingerprints",
    metadata,
    sa.Column("fingerprint_id", RowId, primary_key=True),
    sa.Column("sha256", sa.Text, nullable=False, unique=True),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),
)

# Which fingerprints hold a key: those of two encodings of one recording share most of theirs.
fingerprint_keys = sa.Table(
    "fingerprint_keys",
    metadata,
    sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("fingerprint_id", RowId, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
