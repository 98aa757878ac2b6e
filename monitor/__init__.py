"""The daemon: probes portals on schedule, stores every result, evaluates states and shows them."""

__version__ = "0.1.0"
