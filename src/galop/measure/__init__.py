"""How fast, how much energy, what fits: measured on this machine."""
