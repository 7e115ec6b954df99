"""JSON as Mixpanel sends it, which is not always JSON: read leniently, and written as strict JSON again.

What a phone or a library once sent stands in an answer as it came: control characters in strings, backslashes that
escape nothing, bytes that are no UTF-8, half a pair of surrogates, integers of thousands of digits, ``1e999``,
nesting without end. None of it is a reason to lose the rest. Characters that cannot be are U+FFFD; a backslash that
escapes nothing stands for itself, a comma after the last item for nothing; what Python has no number for, or could not
walk through, is kept as its text: :class:`Verbatim`. Two keys of an object may be the same, the more so where bytes
that made them differ could not be read: the second of them is called ``key (2)``, and no value is lost.
"""

from __future__ import annotations

import json
import math
import re
import secrets
from collections import Counter, UserString
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

DEEPEST = 200
"""Levels that are read; what stands below is kept as text."""
BRACKET = re.compile(r"[\[\]{}]")
STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
STRING_OR_BRACKET = re.compile(rf"{STRING}|[\[\]{{}}]", re.DOTALL)
STRING_OR_SLIP = re.compile(rf"{STRING}|-?\b(?:nan|inf|infinity)\b|,(?=\s*[\]}}])", re.DOTALL | re.IGNORECASE)
"""What may differ from strict JSON: strings, numbers that are none, and a comma after the last item."""
HIGH, LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
HALF_PAIR = re.compile(rf"{HIGH}(?!{LOW})|(?<!{HIGH}){LOW}")
IN_STRING = re.compile(
    rf'(?P<right>{HIGH}{LOW}|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{{4}}|\\["\\/bfnrt])|(?P<half>\\u[0-9a-fA-F]{{4}})'
    r"|(?P<wrong>[\\\x00-\x1f])"
)
MARK = secrets.token_hex(16)
"""In the place of what is written verbatim; random, so that no text can hold it by chance or by intent."""
MARKED = re.compile(rf'"{MARK}([^"\\]*+(?:\\.[^"\\]*+)*+)"')
SALT = str(secrets.randbelow(9 * 10**20) + 10**20)
"""Of the numbers in the place of what is too deep."""


class Verbatim(UserString):
    """A piece of strict JSON that is kept as its text."""


def read_json(body: bytes | str) -> Any:
    """The value of a JSON text. NaN and the infinities are None; what is beyond all numbers is :class:`Verbatim`.

    Raises:
        ValueError: it is no JSON, also read leniently.

    >>> read_json(b'{"carrier": "Acme\\x06", "path": "C:\\\\Users"}')
    {'carrier': 'Acme\\x06', 'path': 'C:\\\\Users'}
    """
    text = _decoded(body)
    if not _is_deep(text) and not _has_half_pairs(text):
        try:
            return json.loads(
                text, strict=False, parse_constant=_none, parse_float=_finite, object_pairs_hook=_with_all
            )
        except (ValueError, RecursionError):
            pass  # not JSON, an integer that is too long, or brackets in strings have hidden how deep it is
    return _load(_repaired(text))


def strict_json(body: bytes | str) -> str:
    """The same JSON text, strictly valid: repaired where it must be, and otherwise character by character as it came.

    Raises:
        ValueError: it is no JSON, also read leniently.

    >>> strict_json(b'{"n": 1.50, "path": "C:\\\\Users"}')
    '{"n": 1.50, "path": "C:\\\\\\\\Users"}'
    """
    text = _repaired(_decoded(body))
    _load(text)
    return text


def write_json(value: Any, *, default: Callable[[Any], Any] | None = None, **options: Any) -> str:
    """The value as strict JSON: what ``read_json`` would read again. The options are those of ``json.dumps``."""
    text = json.dumps(value, ensure_ascii=False, default=partial(_marked, default), **options)
    return MARKED.sub(lambda found: json.loads(f'"{found[1]}"'), text) if MARK in text else text


def _decoded(body: bytes | str) -> str:
    return (body if isinstance(body, str) else body.decode("utf-8", "replace")).removeprefix("\ufeff")


def _repaired(text: str) -> str:
    return STRING_OR_SLIP.sub(lambda found: _repaired_token(found[0]), text)


def _repaired_token(found: str) -> str:
    if found.startswith('"'):
        return f'"{IN_STRING.sub(_repaired_character, found[1:-1])}"'
    return "" if found == "," else "null"


def _repaired_character(found: re.Match[str]) -> str:
    if found["right"]:
        return found[0]
    if found["half"]:
        return "\\ufffd"
    return "\\\\" if found[0] == "\\" else f"\\u{ord(found[0]):04x}"


def _load(text: str) -> Any:
    """The value of strict JSON, whatever its depth and the length of its numbers."""
    pieces = list(_pieces(text))
    for piece in pieces[:-1]:
        _loads(piece.outline(text, ()), {})
    whole = pieces[-1]
    kept = {f"0e{SALT}{n}": Verbatim(text[inner.start : inner.end]) for n, inner in enumerate(whole.inner)}
    return _loads(whole.outline(text, tuple(kept)), kept)


def _loads(text: str, kept: dict[str, Verbatim]) -> Any:
    try:
        return json.loads(
            text,
            parse_constant=_none,
            parse_int=_whole,
            parse_float=lambda said: kept.get(said) or _finite(said),
            object_pairs_hook=_with_all,
        )
    except RecursionError:
        raise ValueError("brackets that are never closed") from None


class _Piece(NamedTuple):
    """A part of a text that is not too deep, but for the parts in it."""

    start: int
    end: int
    inner: list[_Piece]

    def outline(self, text: str, names: tuple[str, ...]) -> str:
        """Its text, with numbers in the place of the parts in it."""
        parts, place = [], self.start
        for n, inner in enumerate(self.inner):
            parts += [text[place : inner.start], names[n] if names else "0"]
            place = inner.end
        return "".join([*parts, text[place : self.end]])


def _pieces(text: str) -> Iterator[_Piece]:
    """The text in pieces of so many levels, the innermost first, the whole last."""
    depth = 0
    opened: list[_Piece] = [_Piece(0, len(text), [])]
    for token in STRING_OR_BRACKET.finditer(text):
        if token[0] in "[{":
            if depth and depth % DEEPEST == 0:
                opened.append(_Piece(token.start(), 0, []))
            depth += 1
        elif token[0] in "]}":
            depth -= 1
            if depth > 0 and depth % DEEPEST == 0 and opened[1:]:
                piece = opened.pop()._replace(end=token.end())
                opened[-1].inner.append(piece)
                yield piece
    yield opened[0]


def _has_half_pairs(text: str) -> bool:
    """Whether it seems to: what follows an escaped backslash may only look like a half."""
    return ("\\ud" in text or "\\uD" in text) and (r"\\u" in text or HALF_PAIR.search(text) is not None)


def _is_deep(text: str) -> bool:
    """Whether it seems to be: brackets in strings are taken for others."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    depth = lowest = 0
    for bracket in BRACKET.findall(text):
        depth += 1 if bracket in "[{" else -1
        lowest = min(lowest, depth)
        if depth - lowest > DEEPEST:
            return True
    return False


def _with_all(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these keys and values, each key once."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    found, times = {}, Counter[str]()
    for key, value in pairs:
        name = key
        while name in found:
            times[key] += 1
            name = f"{key} ({times[key] + 1})"
        found[name] = value
    return found


def _none(_: str) -> None:
    return None


def _finite(said: str) -> float | Verbatim:
    number = float(said)
    return number if math.isfinite(number) else Verbatim(said)


def _whole(said: str) -> int | Verbatim:
    try:
        return int(said)
    except ValueError:  # Python reads only so many digits
        return Verbatim(said)


def _marked(default: Callable[[Any], Any] | None, value: Any) -> Any:
    if isinstance(value, Verbatim):
        return MARK + value.data
    if default is not None:
        return default(value)
    raise TypeError(f"no JSON for a {type(value).__name__}")
