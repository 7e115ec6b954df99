"""Where the tables of a workspace are, and what can be done with it as a whole."""
