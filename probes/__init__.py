"""Probe kinds: each is one frozen model that makes one attempt and returns its result."""
