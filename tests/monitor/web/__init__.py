"""The web pages and the API, over real sockets, from a real journal."""
