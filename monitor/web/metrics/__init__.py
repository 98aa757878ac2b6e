"""/metrics: the newest measurement of each check in the exposition format."""
