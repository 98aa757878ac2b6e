"""Turns measurements into confirmed states, availability and the status cache; rules are pure functions."""
