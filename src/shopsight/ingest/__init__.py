"""The only writer: products and their pictures go from a feed into the catalogue and the index."""
