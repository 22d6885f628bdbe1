"""A query to a ranked answer."""
