"""Instruments: each probe kind is one frozen model that takes one look and tells the truth about it."""
