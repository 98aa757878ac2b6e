"""How looks are judged: the rules as pure functions on what is remembered of one portal; states.py feeds them."""
