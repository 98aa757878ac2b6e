"""Tests of monitor.tools."""
