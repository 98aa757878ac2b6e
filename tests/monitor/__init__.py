"""Tests of the daemon's rooms."""
