"""Hostile portals as data: how each is served, and how a probe of it must end."""
