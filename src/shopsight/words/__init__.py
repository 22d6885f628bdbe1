"""Words of queries and products: cut up, corrected, understood."""
