"""The daemon: schedules looks, keeps every result, folds them into states, shows them."""

__version__ = "0.1.0"
