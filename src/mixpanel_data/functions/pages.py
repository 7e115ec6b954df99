"""Profiles page by page: none lost, none doubled. ``POST /api/query/engage``.

Source: Mixpanel's Query API reference. The first page says how many profiles there are and names a session; the other
pages of the session cost nothing of the budget and may be asked for side by side. Beyond the reference: only the first
page has ``total``; every page names the session, also the last.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from ..client import Api, Endpoint
from ..exceptions import IncompleteExportError, QueryError
from .answers import entries, inside, json_text, objects, text, whole
from .cuts import warn_of
from .declaration import Call
from .parallel import in_order

ENGAGE = Endpoint(Api.QUERY, "/engage", method="POST", free_with="session_id")
AT_ONCE = 5
ENDED = re.compile(
    r"uncached|session(_id)?\b.{0,20}(expired|invalid|unknown|not found)|(invalid|expired|unknown) session", re.I
)
"""What Mixpanel says of a page whose session it has forgotten."""
Page: TypeAlias = Sequence[Mapping[str, Any]]


class SessionEnded(QueryError):  # noqa: N818 - never leaves this module
    """Mixpanel has forgotten the answer whose pages were being read."""


async def pages_of(call: Call, asked: Mapping[str, Any]) -> AsyncGenerator[Page]:
    """All pages of profiles that answer this question, in order, nobody twice. A session that ends early is begun
    anew, once.

    Raises:
        IncompleteExportError: what came is not what Mixpanel announced.
    """
    people = People(call.function)
    for is_last_try in (False, True):
        try:
            async with aclosing(_pages(call, asked, people)) as pages:
                async for page in pages:
                    yield page
            break
        except SessionEnded as error:
            if is_last_try:
                raise IncompleteExportError(
                    "Mixpanel has forgotten the answer before all of its pages were read, twice: run the statement "
                    f"again ({error.message})"
                ) from None
            people.begin_again()
    people.warn_if_incomplete()


async def _pages(call: Call, asked: Mapping[str, Any], people: People) -> AsyncGenerator[Page]:
    """The pages of one session, without those whom an earlier one has given already."""
    session, found = await _first_page(call, asked)
    if people.announced is None:
        call.reporter.add(profiles=session.total or 0)
    people.announced = session.total
    yield people.new(found)
    pages = session.until_short(len(found), people) if session.total is None else session.all()
    async with aclosing(pages):
        async for page in pages:
            yield people.new(page)


class People:
    """Who has come so far. Ids are kept as their hashes: of millions of people, 60 bytes each."""

    def __init__(self, function: str) -> None:
        self.announced: int | None = None
        self._function = function
        self._here: set[int] = set()
        self._before: set[int] = set()
        """Those of a session that ended early."""
        self._count = self._twice = 0

    def begin_again(self) -> None:
        """The next page is the first of another session."""
        self._before |= self._here
        self._here = set()

    def new(self, page: Page) -> Page:
        """Those of the page who have not come before."""
        found = [profile for profile in page if self._is_new(profile)]
        self._count += len(found)
        return found

    def has_all(self, page: Page) -> bool:
        """Whether everybody of the page has come before in this session."""
        return all(_key(profile) in self._here for profile in page)

    def _is_new(self, profile: Mapping[str, Any]) -> bool:
        key = _key(profile)
        if profile.get("$distinct_id") is None:  # those who look the same may be different ones
            self._here.add(key)
            return True
        self._twice += key in self._here
        is_new = key not in self._here and key not in self._before
        self._here.add(key)
        return is_new

    def warn_if_incomplete(self) -> None:
        """Says so if somebody came twice, or fewer came than were announced."""
        missing = max(0, (self.announced or 0) - self._count)
        if not missing and not self._twice:
            return
        announced = f"announced {self.announced:,} profiles and " if self.announced is not None else ""
        lost = f"{missing:,} may be missing" if missing else "others may be missing"
        warn_of(
            self._function,
            f"Mixpanel {announced}sent {self._count:,} different ones; {self._twice:,} came more than once and are "
            f"given once, as they came first, so {lost}: run the statement again",
        )


def _key(profile: Mapping[str, Any]) -> int:
    """Tells who it is; of somebody without an id, all that is said."""
    distinct_id = profile.get("$distinct_id")
    return hash(json_text([profile]) if distinct_id is None else text(distinct_id))


async def _first_page(call: Call, asked: Mapping[str, Any]) -> tuple[Session, Page]:
    """The first page and the session it begins. It is charged for, so it is asked for again only once."""
    for is_last_try in (False, True):
        first = entries(await call.ask(ENGAGE, asked))
        session = Session.of(call, asked, first)
        try:
            session.check(0, first)
            break
        except IncompleteExportError:
            if is_last_try:
                raise
    return session, objects(inside(first, "results"))


@dataclass(frozen=True)
class Session:
    """A question that Mixpanel has answered the first page of."""

    call: Call
    asked: Mapping[str, Any]
    size: int
    total: int | None

    @classmethod
    def of(cls, call: Call, asked: Mapping[str, Any], first: Mapping[str, Any]) -> Session:
        """The session of this first page."""
        size = whole(first.get("page_size")) or len(objects(inside(first, "results")))
        again = {**asked, "session_id": text(first.get("session_id"))}
        return cls(call, again, size, whole(first.get("total")))

    async def all(self) -> AsyncGenerator[Page]:
        """The other pages, several at a time, until the total is reached."""
        total = self.total or 0
        pages = range(1, -(-total // self.size) if self.size else 1)
        async with aclosing(in_order(pages, self.page, AT_ONCE)) as fetched:
            async for _, page in fetched:
                yield page

    async def until_short(self, found: int, people: People) -> AsyncGenerator[Page]:
        """The other pages, one by one, until one is not full: for answers that do not say how many there are.

        Raises:
            IncompleteExportError: a full page has nobody new, so that there would be no end.
        """
        number = 0
        while found and found >= self.size:
            number += 1
            page = await self.page(number)
            found = len(page)
            if found >= self.size and people.has_all(page):
                raise IncompleteExportError(
                    f"Mixpanel sent page {number} of the profiles with those of earlier pages alone, and does not say "
                    "how many there are: run the statement again"
                )
            yield page

    async def page(self, number: int) -> Page:
        try:
            answer = await self.call.ask(ENGAGE, self.asked, check=partial(self._refuse, number), page=number)
        except QueryError as error:
            if not ENDED.search(error.message):
                raise
            raise SessionEnded(error.message) from None
        return objects(inside(answer, "results"))

    def _refuse(self, number: int, answer: Any) -> None:
        """The same for a later page, which is asked for again unless the same one has come twice."""
        try:
            self.check(number, answer)
        except IncompleteExportError as error:
            error.answer = json_text(answer)
            raise

    def check(self, number: int, answer: Any) -> None:
        """Whether it is the page that was asked for, and holds as many profiles as it should.

        Raises:
            IncompleteExportError: it is another page, or does not.
        """
        if whole(entries(answer).get("page")) not in (None, number):
            raise IncompleteExportError(f"Mixpanel sent page {answer['page']} of the profiles instead of page {number}")
        found = len(objects(inside(answer, "results")))
        is_last = (number + 1) * self.size >= self.total if self.total is not None else found < self.size or not found
        if not is_last and not self.asked["session_id"]:
            raise IncompleteExportError("Mixpanel named no session in which the other profiles could be read")
        if self.total is None:
            return
        announced = min(self.size or self.total, self.total - number * self.size)
        if found != announced:
            raise IncompleteExportError(
                f"Mixpanel announced {self.total:,} profiles, but page {number} has {found:,} instead of {announced:,}"
            )
