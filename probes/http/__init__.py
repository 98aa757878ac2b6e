"""HTTP probing: request, connection, redirects, phases, metrics."""
