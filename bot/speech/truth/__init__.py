"""What was heard and what was not: languages, flags, phrases that no one said."""
