"""Long tests that nothing from outside breaks the daemon: ``make chaos``. Short forms are in ``make test``."""
