"""Questions that no saved report holds: how they are written here, and how Mixpanel takes them.

``clauses`` has the parts of a question as Mixpanel takes them, ``filters`` and ``breakdowns`` read what people write.
"""
