"""The names of the folders of the data directory that several packages use."""

from __future__ import annotations

SCREENSHOTS = "screenshots"
INBOX = "inbox"
SCORES = "scores"
