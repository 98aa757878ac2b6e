"""The demo fleet, met as a monitor meets it."""
