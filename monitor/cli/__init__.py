"""Commands: read arguments, call one package, print the result and set the exit code."""
