"""Ways to an answer: plans of formulas and their inverses, what speaks for each, and what each comes to."""
