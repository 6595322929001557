"""Dialects on one port: from a request to a backend and back."""
