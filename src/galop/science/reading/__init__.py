"""A question as it is written: numbers, units, words and what is asked, read before anything is computed."""
