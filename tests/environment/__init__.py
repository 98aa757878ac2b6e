"""Scenarios in which the environment of a running daemon fails and recovers, in separate namespaces."""
