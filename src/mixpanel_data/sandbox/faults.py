"""How the sandbox can be told to misbehave, in the ways Mixpanel and networks do."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass
class Fault:
    """What goes wrong, for the next ``times`` requests whose path, query or form contain ``match``. Parts combine."""

    match: str = ""
    times: int = 1
    status: int | None = None
    """Answer with this status, which may be 200, and ``body`` instead."""
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    last_line: str | None = None
    """End an export with this line, as in ``terminated early``."""
    first_line: str | None = None
    encoding: str | None = None
    """``identity`` (no gzip) or ``members`` (several gzip members) for an export."""
    cut: int | None = None
    """Send this many bytes of the body, then end the answer as if it were complete."""
    close: int | None = None
    """Send this many bytes of the body, then close the connection."""
    reset: int | None = None
    """Send this many bytes of the body, then reset the connection."""
    corrupt: int | None = None
    """Change the byte at this position."""
    unmarked_end: bool = False
    """Mark the end of the body by closing the connection, as HTTP/1.0 did."""
    latency: float = 0.0
    """Seconds before the first byte."""
    bytes_per_second: int | None = None
    hang: bool = False
    """After what the other parts send, send nothing more and keep the connection open."""


class Faults:
    """The faults still to happen, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, target: str) -> Fault:
        """The fault for a request, used up by one; one without effect if there is none."""
        with self._lock:
            for fault in self._waiting:
                if fault.match in target:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._waiting.remove(fault)
                    return fault
        return Fault()
