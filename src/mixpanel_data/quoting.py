"""Names and texts as SQL has them."""

CATALOG = "mixpanel"
"""Where the functions are: ``mixpanel.export(…)``."""


def quoted(identifier: str) -> str:
    """The name as a quoted identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text as a string literal."""
    return "'" + text.replace("'", "''") + "'"
