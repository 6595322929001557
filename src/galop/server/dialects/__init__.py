"""A file per dialect: its routes, and its replies in its own shapes."""
