"""A small model with eyes: Qwen3-VL in miniature, trained on pictures that packages carry and that are drawn here."""
