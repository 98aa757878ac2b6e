"""Closed days as sealed Parquet files, one per day and kind, with a catalog in the journal."""
