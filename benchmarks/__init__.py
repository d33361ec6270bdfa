"""Figures, each repeated by `make bench-NAME`: a table with medians, then one line of JSON."""
