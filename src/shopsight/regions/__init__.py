"""Finds the things on a photo."""
