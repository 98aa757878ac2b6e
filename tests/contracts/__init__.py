"""Contract tests that run over every member of a family."""
