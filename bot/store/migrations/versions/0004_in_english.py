"""What is written in alerted posts, in English; and which alerts show it.

Revision: 0004. Down: 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Migrations spell types out: they must not change when bot.store.columns does.
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the new table and column: nothing that is there is in English yet."""
    op.add_column("outbox", sa.Column("english", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "translations",
        sa.Column("translation_id", ROW_ID, nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_since", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("translation", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["channel_id", "message_id", "version"],
            ["versions.channel_id", "versions.message_id", "versions.number"],
            name=op.f("fk_translations_channel_id_message_id_version"),
        ),
        sa.PrimaryKeyConstraint("translation_id", name=op.f("pk_translations")),
        sa.UniqueConstraint(
            "channel_id", "message_id", "version", name=op.f("uq_translations_channel_id_message_id_version")
        ),
    )
    wanted = sa.text("state = 'wanted'")
    op.create_index(
        "ix_translations_due", "translations", ["translation_id"], sqlite_where=wanted, postgresql_where=wanted
    )
    op.create_index("ix_translations_state_state_since", "translations", ["state", "state_since"])
