"""Lexicon: what is written down about events and profiles. Only what somebody described is here, as in Mixpanel.

Source: Mixpanel's Lexicon Schemas API reference and OpenAPI file.
"""

from __future__ import annotations

from typing import Any

from .dataset import Dataset
from .params import Answer, Params, Refused

TYPES = ("event", "profile")


def _mixpanel(**said: Any) -> dict[str, Any]:
    return {"com.mixpanel": said}


SCHEMAS: dict[tuple[str, str], dict[str, Any]] = {
    ("event", "Purchase"): {
        "description": "An order was paid for.",
        "properties": {
            "amount": {
                "type": "number",
                "description": "What was paid, in dollars",
                "metadata": _mixpanel(displayName="Amount", hidden=False, dropped=False),
            },
            "order_id": {"type": "integer", "description": "Larger than 2^53"},
            "items": {"type": "array", "description": "One entry per article: sku, quantity"},
            "coupon": {"type": "string", "metadata": _mixpanel(hidden=True, dropped=False)},
        },
        "metadata": _mixpanel(
            **{"$source": "api"},
            displayName="Order paid",
            tags=["core", "revenue"],
            hidden=False,
            dropped=False,
            contacts=["ada@shop.example.com"],
            teamContacts=["Checkout"],
        ),
    },
    ("event", "Search"): {
        "description": "Somebody looked for something.",
        "properties": {"query": {"type": "string", "description": "As typed"}},
        "metadata": _mixpanel(tags=["core"], hidden=False, dropped=False, contacts=[], teamContacts=[]),
    },
    ("event", "App Open"): {},
    ("event", "Page View"): {
        "description": "A page was shown.",
        "metadata": _mixpanel(displayName="Page seen", tags=[], hidden=True, dropped=False),
    },
    ("event", 'App "Crash" 💥'): {
        "description": "The app gave up; no longer sent.",
        "metadata": _mixpanel(tags=["quality"], hidden=False, dropped=True),
    },
    ("profile", "$user"): {
        "description": "A customer.",
        "properties": {
            "plan": {"type": "string", "description": "free, pro or team"},
            "age": {"type": "integer"},
            "$email": {"type": "string", "metadata": _mixpanel(displayName="E-mail", hidden=False, dropped=False)},
        },
    },
}


def schemas(_: Dataset, params: Params) -> Answer:
    """All of them, or those of one type, or of one name within the type."""
    chosen = [
        {"entityType": kind, "name": name, "schemaJson": schema}
        for (kind, name), schema in SCHEMAS.items()
        if kind == _type(params, kind) and name == params.get("entity_name", name)
    ]
    return Answer.json({"results": chosen, "status": "ok"})


def schema(_: Dataset, params: Params) -> Answer:
    key = (_type(params, ""), params["name"])
    if key not in SCHEMAS:
        raise Refused(404, f"no schema of {key[0]} {key[1]!r}")
    return Answer.json({"results": SCHEMAS[key], "status": "ok"})


def _type(params: Params, default: str) -> str:
    kind = params.get("type", default)
    if kind not in TYPES:
        raise Refused(400, f"Invalid entity type: {kind}")
    return kind
