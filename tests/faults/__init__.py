"""A month of faults in simulated time: which pages the monitor would have sent, and which it would have missed."""
