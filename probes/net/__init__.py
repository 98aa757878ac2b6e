"""DNS, sockets, TLS, certificates, kernel timestamps."""
