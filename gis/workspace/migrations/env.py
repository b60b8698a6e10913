"""What Alembic runs: the revisions, inside the transaction of the connection it was given."""

from alembic import context

from gis.workspace.catalogue import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite changes a table by copying it.
    render_as_batch=True,
    # The caller's transaction is the transaction: a workspace is never left between two revisions.
    transactional_ddl=True,
)
context.run_migrations()
