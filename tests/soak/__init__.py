"""A soak: the demo fleet at ten times its speed, with everything that breaks, and a verdict. ``make soak``."""
