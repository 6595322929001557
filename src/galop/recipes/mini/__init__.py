"""A Qwen3 family in miniature, trained from scratch: the recipe of its report on problems that can be checked."""
