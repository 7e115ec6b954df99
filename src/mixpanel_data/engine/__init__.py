"""A DuckDB of our own: the functions, the storage of its tables, and how SQL runs there."""
