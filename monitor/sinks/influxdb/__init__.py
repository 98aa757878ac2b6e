"""InfluxDB 1.8/2/3: write, read back, administer."""
