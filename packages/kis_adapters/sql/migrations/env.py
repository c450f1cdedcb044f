"""What Alembic runs to migrate, on the connection that `initialize_schema` gives it."""

from alembic import context
from sqlalchemy import Connection

from kis_adapters.sql.schema import metadata

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    transactional_ddl=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
