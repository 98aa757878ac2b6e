"""Everything at rest in the data directory."""
