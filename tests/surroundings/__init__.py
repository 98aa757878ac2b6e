"""A real daemon whose surroundings break: disk, descriptors, clock, resolver, memory, and those whom it tells."""
