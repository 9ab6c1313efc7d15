"""Layers of the user's own."""
