"""Runs every check on its schedule and commits exactly one outcome per slot."""
