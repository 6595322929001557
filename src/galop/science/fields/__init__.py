"""The formulas, a file for each field; a new file here is found by itself."""
