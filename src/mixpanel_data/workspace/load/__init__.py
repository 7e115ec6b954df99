"""Filling tables: what is downloaded, which rows it replaces, and what is written down of it."""
