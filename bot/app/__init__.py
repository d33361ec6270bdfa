"""Configuration in, running service out: the composition root and its parts.

Imported by module: most commands need one part, and not what all of them together load.
"""
