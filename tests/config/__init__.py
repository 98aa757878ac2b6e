"""Files to configurations."""
