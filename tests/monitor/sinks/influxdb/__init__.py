"""Tests of the InfluxDB sink."""
