"""A month of troubles on a clock that leaps: what the monitor makes of them, and whom it would have woken."""
