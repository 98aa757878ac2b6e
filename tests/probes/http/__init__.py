"""Tests of HTTP probing."""
