"""The cold store: one sealed Parquet file per closed day and kind, a ledger of them in the journal, and their care."""
