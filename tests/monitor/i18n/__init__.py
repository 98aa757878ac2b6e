"""Texts and formats in both languages."""
