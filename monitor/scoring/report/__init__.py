"""Reports of scores: write one record of a period as files that can be verified; no clock and no history is read."""
