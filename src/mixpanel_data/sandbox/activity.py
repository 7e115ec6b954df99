"""The activity feed: all that some people did.

Source: Mixpanel's Query API reference (Profile Event Activity).
"""

from __future__ import annotations

import json
from typing import Any

from .dataset import Dataset
from .params import Answer, Params, days, is_one_of, names


def feed(data: Dataset, params: Params) -> Answer:
    theirs = is_one_of("distinct_id", names(params, "distinct_ids"))
    query = f"SELECT event, properties FROM {data.events(*days(params))} WHERE {theirs} ORDER BY time, id"
    events = [_told(event, json.loads(properties), n) for n, (event, properties) in enumerate(data.rows(query))]
    return Answer.json({"status": "ok", "results": {"events": events}})


def _told(event: str, properties: dict[str, Any], n: int) -> dict[str, Any]:
    """Mixpanel names the id now one way and now the other; here every second event has the other."""
    if n % 2:
        properties = {"$distinct_id" if name == "distinct_id" else name: properties[name] for name in properties}
    return {"event": event, "properties": properties}
