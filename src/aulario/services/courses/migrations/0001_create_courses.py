"""Create courses and enrolments."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "courses",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("price", sa.Numeric(19, 4).with_variant(sa.Text, "sqlite"), nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("welcome", sa.Boolean, nullable=False),
        sa.Column("teacher_id", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("published_at", sa.BigInteger, nullable=False),
    )
    op.create_index("courses_list", "courses", ["tenant_id", "id"])
    op.create_table(
        "enrolments",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("course_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("enrolled_at", sa.BigInteger, nullable=False),
    )
    # One place a person and course, whatever is delivered twice or races.
    op.create_index("enrolments_place", "enrolments", ["tenant_id", "user_id", "course_id"], unique=True)
    op.create_index("enrolments_order", "enrolments", ["tenant_id", "order_id"])
    op.create_index("enrolments_list", "enrolments", ["tenant_id", "id"])


def downgrade() -> None:
    op.drop_table("enrolments")
    op.drop_table("courses")
