"""Tests of the instruments: real servers on loopback, in tables."""
