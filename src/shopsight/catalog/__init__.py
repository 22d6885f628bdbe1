"""Products, feeds, and the SQL database that holds the truth."""
