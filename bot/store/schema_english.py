"""The table of what is written in alerted posts, in English."""

import sqlalchemy as sa

from bot.model import Translation
from bot.store.columns import Moment, Noun, RowId, Text
from bot.store.tables import message_key, metadata, queue

# One for each state of a post that raised an alert and is written in a language that was to be translated.
translations = sa.Table(
    "translations",
    metadata,
    sa.Column("translation_id", RowId, primary_key=True),
    *message_key(),
    sa.Column("version", sa.Integer, nullable=False),
    # What it is written in, by its letters: see bot/translation/language.py.
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("state_since", Moment, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_try", Moment),
    sa.Column("reason", Text),
    # The model that made it, for questions.
    sa.Column("model", Text),
    sa.Column("translation", Noun(Translation)),
    sa.UniqueConstraint("channel_id", "message_id", "version"),
    sa.ForeignKeyConstraint(
        ["channel_id", "message_id", "version"], ["versions.channel_id", "versions.message_id", "versions.number"]
    ),
    queue("ix_translations_due", "translation_id", where="state = 'wanted'"),
    sa.Index("ix_translations_state_state_since", "state", "state_since"),
)
