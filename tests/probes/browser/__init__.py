"""Tests of page loads in Chromium."""
