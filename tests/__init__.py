"""The tests, room by room; start them with `make test`."""
