"""Create the tables that every service's database has: outbox, due events, inbox, positions, kept replies."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_outbox()
    _create_due_events()
    _create_inbox()
    op.create_table(
        "positions",
        sa.Column("handler", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "idempotency",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("tenant", "caller", "route", "key")),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("reply", sa.Text, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )
    op.create_index("idempotency_expires", "idempotency", ["expires"])


def downgrade() -> None:
    for table in ("idempotency", "positions", "inbox", "due_events", "outbox"):
        op.drop_table(table)


def _envelope_columns() -> list[sa.Column[Any]]:
    names = ("source", "topic", "version", "tenant", "key", "time", "request_id", "traceparent", "data")
    kinds = {"version": sa.Integer}
    return [
        sa.Column("id", sa.Text, nullable=False),
        *(sa.Column(name, kinds.get(name, sa.Text), nullable=False) for name in names),
    ]


def _create_outbox() -> None:
    sequence = sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)
    # AUTOINCREMENT: a position must never be given again, not even after the sweeper emptied the table.
    op.create_table("outbox", sequence, *_envelope_columns(), sqlite_autoincrement=True)
    op.create_index("outbox_id", "outbox", ["id"], unique=True)
    op.create_index("outbox_topic", "outbox", ["topic", "sequence"])


def _create_due_events() -> None:
    op.create_table(
        "due_events",
        *_envelope_columns(),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("missed", sa.Text, nullable=False),
        sa.Column("tolerance", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("due_events_due", "due_events", ["due"])
    op.create_index("due_events_key", "due_events", ["tenant", "topic", "key"])


def _create_inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("handler", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("status", "tenant", "topic", "key")),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("taken_at", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due", sa.BigInteger),
        *(sa.Column(name, sa.Text) for name in ("error", "history", "claimed_by", "envelope")),
    )
    # Partial, so that what is done costs these nothing: an inbox of millions retries as fast as an empty one.
    held = sa.text("status IN ('waiting', 'claimed')")
    dead = sa.text("status = 'dead'")
    for name, columns, where in (
        ("inbox_due", ["due"], held),
        ("inbox_key", ["handler", "key", "sequence"], held),
        ("inbox_about", ["tenant", "key"], sa.text("status <> 'done'")),
        ("inbox_dead", ["handler", "error"], dead),
        ("inbox_expires", ["expires"], sa.text("expires IS NOT NULL AND status = 'done'")),
    ):
        op.create_index(name, "inbox", columns, sqlite_where=where, postgresql_where=where)
