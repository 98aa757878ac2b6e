"""What every member of a family must hold, whoever it is."""
