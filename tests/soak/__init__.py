"""A soak: the demo fleet at ten times its speed, with injected faults, and an evaluation. ``make soak``."""
