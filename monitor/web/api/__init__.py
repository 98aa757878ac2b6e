"""JSON API, /probe, health and reload handlers, OpenAPI."""
