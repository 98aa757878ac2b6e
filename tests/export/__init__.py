"""Scores to files."""
