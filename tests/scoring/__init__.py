"""Rubric and history to scores."""
