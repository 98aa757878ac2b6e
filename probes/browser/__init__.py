"""Page loads in Chromium: pool, worker, egress filter, web vitals."""
