"""The names of the folders of the data directory that several packages know."""

from __future__ import annotations

EVIDENCE = "evidence"
INBOX = "inbox"
SCORES = "scores"
