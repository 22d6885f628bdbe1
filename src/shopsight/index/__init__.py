"""Vector stores, filters, and index versions."""
