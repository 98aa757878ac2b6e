"""Loads recorded once, each with what Lighthouse made of the very same recording."""
