"""The SQLite journal: schema, rows, one writer, many readers, group commit."""
