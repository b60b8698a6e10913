"""Alembic's environment and the revisions of the catalogue; shipped with the package and run when a workspace opens."""
