"""Tests of history readers."""
