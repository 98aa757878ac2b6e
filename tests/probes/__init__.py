"""Tests of the probes: real servers on loopback, in tables."""
