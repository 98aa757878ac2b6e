"""Benchmarks: real processes, real TLS; they print figures and never assert absolute times."""
