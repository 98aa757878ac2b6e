"""Bad input by the thousand: mutated files and requests for every reader of something that others wrote."""
