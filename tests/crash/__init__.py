"""Kills at random moments, over and over in the same directory, and the rules that hold after each of them."""
