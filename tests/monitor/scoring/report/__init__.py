"""Tests of the reports of scores."""
