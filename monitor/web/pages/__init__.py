"""Server-rendered status pages."""
