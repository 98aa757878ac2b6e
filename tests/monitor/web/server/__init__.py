"""Tests of listener, security and middleware."""
