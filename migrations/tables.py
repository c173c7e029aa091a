"""Changes of a table that SQLite cannot make in place."""


def rebuild(db, model, sources):
    """Recreate a table, each column filled from its SQL expression in `sources` or the old column of its name."""
    table = model._meta.table_name
    columns = [field.column_name for field in model._meta.sorted_fields]
    model._meta.set_table_name(f"new_{table}")
    model._schema.create_table(safe=False)
    db.execute_sql(
        f"INSERT INTO new_{table} ({', '.join(columns)}) "
        f"SELECT {', '.join(sources.get(column, column) for column in columns)} FROM {table}"
    )
    db.execute_sql(f"DROP TABLE {table}")
    db.execute_sql(f"ALTER TABLE new_{table} RENAME TO {table}")
    model._meta.set_table_name(table)
    model._schema.create_indexes(safe=False)
