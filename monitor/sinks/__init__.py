"""Delivers committed records to external databases; each sink translates them in its own package."""
