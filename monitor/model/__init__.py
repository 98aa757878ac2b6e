"""Records and time: what every package may import."""
