"""Tests of dashboards as code."""
