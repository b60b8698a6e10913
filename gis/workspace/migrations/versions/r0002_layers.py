"""What each layer of a run holds."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of layers."""
    op.create_table(
        "layers",
        sa.Column("run", sa.String(14), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("species", sa.String(32), nullable=False),
        sa.Column("part", sa.String(32), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("sum_t", sa.Float(53), nullable=False),
        sa.Column("max_t", sa.Float(53), nullable=False),
        sa.Column("nonzero", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("run", "kind", "year", "species", "part", name="pk_layers"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_layers_run_runs", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["hash"], ["objects.hash"], name="fk_layers_hash_objects"),
    )
    op.create_index("ix_layers_hash", "layers", ["hash"])


def downgrade() -> None:
    """Drop the table of layers."""
    op.drop_table("layers")
