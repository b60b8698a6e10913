"""Objects, runs, what runs are made of, and pointers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "objects",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_objects"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(14), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("manifest", sa.String(64), nullable=False),
        sa.Column("grid", sa.JSON, nullable=False),
        sa.Column("grid_hash", sa.String(64), nullable=False),
        sa.Column("years", sa.JSON, nullable=False),
        sa.Column("species", sa.JSON, nullable=False),
        sa.Column("sectors", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.ForeignKeyConstraint(["manifest"], ["objects.hash"], name="fk_runs_manifest_objects"),
    )
    op.create_index("ix_runs_name", "runs", ["name"])
    op.create_table(
        "run_objects",
        sa.Column("run", sa.String(14), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("name", sa.String(500), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("run", "role", "name", name="pk_run_objects"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_run_objects_run_runs", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["hash"], ["objects.hash"], name="fk_run_objects_hash_objects"),
    )
    op.create_index("ix_run_objects_hash", "run_objects", ["hash"])
    op.create_table(
        "pointers",
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("target", sa.String(14), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name="pk_pointers"),
    )


def downgrade() -> None:
    """Drop everything."""
    for table in ("pointers", "run_objects", "runs", "objects"):
        op.drop_table(table)
