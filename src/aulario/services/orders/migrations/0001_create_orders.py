"""Create orders, and the copy of courses' terms they are made from."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("welcome", sa.Boolean, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("product_id", sa.Text),
        sa.Column("total_amount", sa.Numeric(19, 4).with_variant(sa.Text, "sqlite"), nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_index("orders_user", "orders", ["tenant_id", "user_id"])
    op.create_index("orders_list", "orders", ["tenant_id", "id"])
    where = sa.text("welcome")
    op.create_index(
        "orders_welcome", "orders", ["tenant_id", "user_id"], unique=True, sqlite_where=where, postgresql_where=where
    )
    waiting = sa.text("status = 'awaiting_course'")
    op.create_index("orders_awaiting", "orders", ["tenant_id"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_table(
        "offers",
        sa.Column("course_id", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False, index=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("price", sa.Numeric(19, 4).with_variant(sa.Text, "sqlite"), nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("welcome", sa.Boolean, nullable=False),
        sa.Column("published_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("offers")
    op.drop_table("orders")
