"""Surface forms of words and names, generated when a rule is compiled. The only place that knows grammar."""
