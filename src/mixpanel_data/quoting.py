"""Names and texts as SQL has them."""

CATALOG = "mixpanel"
"""Where the functions are: ``mixpanel.export(…)``."""


def quoted(identifier: str) -> str:
    """The name as a quoted identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def pointer(name: str) -> str:
    """Where a JSON object has the name, as a JSON pointer: no character of it means anything else.

    Source: RFC 6901.
    """
    return "/" + name.replace("~", "~0").replace("/", "~1")


def literal(text: str) -> str:
    """The text as a string literal."""
    return "'" + text.replace("'", "''") + "'"
