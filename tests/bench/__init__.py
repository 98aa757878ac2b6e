"""Benchmarks: real processes, real TLS; they print values and never assert absolute times."""
