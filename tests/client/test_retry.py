"""How often is tried what may pass."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from mixpanel_data.client import Reporter
from mixpanel_data.client.retry import ATTEMPTS, attempts
from mixpanel_data.exceptions import TransportError


@pytest.mark.parametrize(("waits", "tries"), [(True, ATTEMPTS), (False, 1)])
def test_who_does_not_wait_learns_at_once_that_nobody_answers(waits: bool, tries: int) -> None:
    tried = []

    async def run() -> None:
        async for attempt in attempts(Reporter("events", waits=waits)):
            with attempt:
                tried.append(1)
                raise TransportError("the connection failed") from httpx.ConnectError("refused")

    with pytest.raises(TransportError):
        asyncio.run(run())
    assert len(tried) == tries
