"""Galop."""
