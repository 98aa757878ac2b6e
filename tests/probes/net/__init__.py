"""Tests of name resolution, sockets, TLS and kernel timestamps."""
