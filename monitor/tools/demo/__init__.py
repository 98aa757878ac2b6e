"""Demo fleet of public-service portals on loopback; names are real, pages, faults and certificates are invented."""
