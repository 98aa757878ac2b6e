"""The running process: wires the packages, owns tasks, signals, shutdown order, logs and self-metrics."""
