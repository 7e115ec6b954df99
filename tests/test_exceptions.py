"""The errors as programs see them."""

from __future__ import annotations

import json

import mixpanel_data
from mixpanel_data import MixpanelDataError, RateLimitError
from mixpanel_data.exceptions import bare_copy


def test_every_error_has_its_own_code() -> None:
    kinds = [
        kind
        for name in mixpanel_data.__all__
        if isinstance(kind := getattr(mixpanel_data, name), type) and issubclass(kind, MixpanelDataError)
    ]
    assert len({kind.code for kind in kinds}) == len(kinds) > 10


def test_to_dict_is_ready_for_json() -> None:
    error = RateLimitError("too much\nof it", retry_after=12.5, status=429, nothing=None)
    assert json.loads(json.dumps(error.to_dict())) == {
        "code": "rate_limit",
        "message": "too much of it",
        "details": {"retry_after": 12.5, "status": 429},
    }
    assert error.retry_after == 12.5


def test_a_bare_copy_of_any_error_is_one() -> None:
    class Odd(Exception):
        def __init__(self, *, said: str) -> None:
            super().__init__("odd", said)

    try:
        raise Odd(said="so")
    except Odd as error:
        assert isinstance(bare_copy(error), Odd)
        assert bare_copy(error).__traceback__ is None
