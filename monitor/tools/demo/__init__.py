"""A fleet of public-service portals on loopback: names are real, pages, weather and certificates are invented."""
