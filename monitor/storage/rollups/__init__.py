"""Hourly and daily aggregates."""
