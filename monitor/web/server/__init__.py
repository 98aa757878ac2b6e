"""Listening, TLS, connection limits, authentication, load shedding."""
