"""Scores on paper: one record of a period in, files out that anybody can check; it asks no clock and no history."""
