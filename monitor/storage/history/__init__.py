"""One way to read a window over archive and journal."""
