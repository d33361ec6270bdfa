"""Recordings as samples: decoded in confinement, compared, made."""
