"""Zonings, comparisons, and what they are made of."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of zonings and comparisons."""
    op.create_table(
        "zonings",
        *_described(),
        sa.Column("run", sa.String(14), nullable=False),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("species", sa.JSON, nullable=False),
        sa.Column("units", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_zonings"),
        sa.ForeignKeyConstraint(["manifest"], ["objects.hash"], name="fk_zonings_manifest_objects"),
        # Without a cascade: a run that a zoning stands on cannot be deleted.
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_zonings_run_runs"),
    )
    op.create_index("ix_zonings_name", "zonings", ["name"])
    op.create_index("ix_zonings_run", "zonings", ["run"])
    _create_members("zoning", "zonings")
    op.create_table(
        "comparisons",
        *_described(),
        sa.Column("a", sa.String(14), nullable=False),
        sa.Column("b", sa.String(14), nullable=False),
        sa.Column("earlier", sa.String(14), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_comparisons"),
        sa.ForeignKeyConstraint(["manifest"], ["objects.hash"], name="fk_comparisons_manifest_objects"),
        sa.ForeignKeyConstraint(["a"], ["zonings.id"], name="fk_comparisons_a_zonings"),
        sa.ForeignKeyConstraint(["b"], ["zonings.id"], name="fk_comparisons_b_zonings"),
        sa.ForeignKeyConstraint(["earlier"], ["comparisons.id"], name="fk_comparisons_earlier_comparisons"),
    )
    for column in ("name", "a", "b", "earlier"):
        op.create_index(f"ix_comparisons_{column}", "comparisons", [column])
    _create_members("comparison", "comparisons")


def downgrade() -> None:
    """Drop them."""
    for table in ("comparison_objects", "comparisons", "zoning_objects", "zonings"):
        op.drop_table(table)


def _described() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.String(14), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("manifest", sa.String(64), nullable=False),
    ]


def _create_members(owner: str, owners: str) -> None:
    table = f"{owner}_objects"
    op.create_table(
        table,
        sa.Column(owner, sa.String(14), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("name", sa.String(500), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint(owner, "role", "name", name=f"pk_{table}"),
        sa.ForeignKeyConstraint([owner], [f"{owners}.id"], name=f"fk_{table}_{owner}_{owners}", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["hash"], ["objects.hash"], name=f"fk_{table}_hash_objects"),
    )
    op.create_index(f"ix_{table}_hash", table, ["hash"])
