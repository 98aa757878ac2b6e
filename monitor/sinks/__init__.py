"""Sinks: where committed records are told to; each translates them last, in its own file."""
