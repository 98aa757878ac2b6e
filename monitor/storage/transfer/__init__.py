"""Import and export of measurements as CSV, JSON Lines, Parquet."""
