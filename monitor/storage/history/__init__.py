"""Reads windows of history from archive and journal."""
