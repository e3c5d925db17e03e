"""Create the lines of the diary, and what was read of them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    for table in ("lines", "readings"):
        op.create_table(
            table,
            sa.Column("id", sa.Text, primary_key=True),
            sa.Column("tenant_id", sa.Text, nullable=False),
            sa.Column("book", sa.Text, nullable=False),
            sa.Column("number", sa.Integer, nullable=False),
        )


def downgrade() -> None:
    for table in ("readings", "lines"):
        op.drop_table(table)
