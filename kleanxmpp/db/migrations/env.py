"""Alembic's entry. It works on the connection that `kleanxmpp.db.migrate` hands over, and on no other."""

from alembic import context

from kleanxmpp.db.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
