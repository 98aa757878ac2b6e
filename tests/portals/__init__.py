"""Hostile portals as data: what each does, a line a case, and the fault with which a look at it must end."""
