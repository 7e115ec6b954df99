"""A Mixpanel of our own, so that nobody needs an account to try, test or measure anything.

It serves one deterministic data set over real HTTP on a loopback port and refuses wrong requests as Mixpanel does. It
knows nothing of the rest of the package.
"""

from __future__ import annotations

import atexit
import os
from functools import cache

from .dataset import DEFAULT_SESSIONS
from .faults import Fault
from .params import PROJECT
from .server import Request, Sandbox

__all__ = ["DEFAULT_SESSIONS", "PROJECT", "Fault", "Request", "Sandbox", "shared"]


@cache
def shared() -> Sandbox:
    """The sandbox of this process, started when it is first asked for.

    ``MP_SANDBOX_SESSIONS`` sets its size in sessions a day, about five events each.
    """
    sandbox = Sandbox(int(os.environ.get("MP_SANDBOX_SESSIONS") or DEFAULT_SESSIONS)).start()
    atexit.register(sandbox.stop)
    return sandbox
