"""Create payments, one a try to pay an order."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "payments",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("amount", sa.Numeric(19, 4).with_variant(sa.Text, "sqlite"), nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("gateway", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reference", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("completed_at", sa.BigInteger),
    )
    # One payment an attempt, whatever is delivered twice or races.
    op.create_index("payments_attempt", "payments", ["tenant_id", "order_id", "attempt"], unique=True)
    op.create_index("payments_list", "payments", ["tenant_id", "id"])


def downgrade() -> None:
    op.drop_table("payments")
