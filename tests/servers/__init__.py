"""Real servers for tests and benchmarks, on loopback only: slow, broken, wrongly certified, or plainly good."""
