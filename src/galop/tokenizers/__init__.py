"""Text to token ids and back, from files that may be hostile."""
