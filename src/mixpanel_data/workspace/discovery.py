"""What there is in the project: events, properties, saved things.

Answers are kept for the life of the workspace, except those of ``top_events`` and ``annotations``. (Which is a name of
this module, and so nothing is imported from ``__future__``.)
"""

from typing import Literal

from ..engine.statement import call
from ..exceptions import warn_if_full
from ..lenient import read_json
from ..results import whole
from ..types import AnnotationInfo, BookmarkInfo, FunnelInfo, LexiconSchema, ProjectInfo, SavedCohort, TopEvent
from .session import Day, Session

MAX_EVENTS = 5000
"""More than a project may have."""
VALUES = 100
"""Asked for unless a limit is given."""
COHORTS = """
SELECT id, name, count, coalesce(description, '') AS description,
  coalesce(strftime(created, '%Y-%m-%dT%H:%M:%S'), '') AS created, is_visible
FROM """
BOOKMARKS = "SELECT id, name, type, description, created, modified, creator, workspace_id FROM "
SCHEMAS = "SELECT entity_type, name, display_name, description, properties, tags, hidden, dropped FROM "


def events(session: Session) -> list[str]:
    """The names of all events, in alphabetical order. In the shell: ``mp inspect events``.

    >>> "Purchase" in ws.events()
    True
    """
    return session.names(call("events").wrap("SELECT event_name FROM "))


def properties(session: Session, event: str) -> list[str]:
    """The names of an event's properties, in alphabetical order. In the shell: ``mp inspect properties``.

    >>> [name for name in ws.properties("Purchase") if name.startswith("am")]
    ['amount']
    """
    found = call("properties", event=event)
    return session.names(found.wrap("SELECT property_name FROM ", " ORDER BY property_name"))


def property_values(session: Session, event: str, property: str, limit: int = VALUES) -> list[str]:  # noqa: A002
    """Values of a property, the most frequent first, at most ``limit``. In the shell: ``mp inspect values``.

    >>> ws.property_values("Purchase", "plan")
    ['free', 'pro', 'team']
    """
    found = call("property_values", event=event, property=property, max_rows=limit)
    values = session.names(found.wrap("SELECT value FROM "))
    warn_if_full("property_values", "max_rows", len(values), limit, VALUES)
    return values


def funnels(session: Session) -> list[FunnelInfo]:
    """The saved funnels. In the shell: ``mp inspect funnels``.

    >>> ws.funnels()[0].name
    'Purchase funnel'
    """
    return session.each(FunnelInfo, call("funnels").wrap("SELECT id AS funnel_id, name FROM "))


def cohorts(session: Session) -> list[SavedCohort]:
    """The saved cohorts. In the shell: ``mp inspect cohorts``.

    >>> [cohort.id for cohort in ws.cohorts()]
    [1001, 1002, 1003]
    """
    return session.each(SavedCohort, call("cohorts").wrap(COHORTS))


def bookmarks(session: Session, type: str | None = None) -> list[BookmarkInfo]:  # noqa: A002
    """The saved reports. In the shell: ``mp inspect bookmarks``.

    Args:
        type: only reports of this type: ``insights``, ``funnels``, ``retention``, ``flows``…

    >>> [report.id for report in ws.bookmarks("flows")]
    [4001]
    """
    return session.each(BookmarkInfo, call("bookmarks", type=type).wrap(BOOKMARKS))


def schemas(session: Session, entity_type: str | None = None, name: str | None = None) -> list[LexiconSchema]:
    """What the Lexicon says of events and profiles. In the shell: ``mp inspect schemas``.

    Args:
        entity_type: only of this kind, such as ``event`` or ``profile``.
        name: only of this event.

    >>> {schema.entity_type for schema in ws.schemas("event")}
    {'event'}
    """
    rows = session.answer(call("schemas", entity_type=entity_type, name=name).wrap(SCHEMAS)).to_pylist()
    return [LexiconSchema(**{**row, "properties": read_json(row["properties"] or "{}")}) for row in rows]


def top_events(
    session: Session,
    type: Literal["general", "average", "unique"] = "general",  # noqa: A002
    limit: int | None = None,
) -> list[TopEvent]:
    """Today's most frequent events, asked for anew each time. In the shell: ``mp inspect top-events``.

    Args:
        type: what counts: events (``general``), users (``unique``), or events for each user (``average``).
        limit: only so many; all unless given.

    >>> len(ws.top_events(limit=3))
    3
    """
    found = call("top_events", type=type, max_rows=MAX_EVENTS if limit is None else limit)
    rows = session.answer(found.wrap("FROM ", " ORDER BY count DESC")).to_pylist()
    return [TopEvent(row["event_name"], whole(row["count"]) or 0, row["percent_change"] or 0.0) for row in rows]


def annotations(session: Session, from_date: Day | None = None, to_date: Day | None = None) -> list[AnnotationInfo]:
    """Notes on what happened when. In the shell: ``mp inspect annotations``.

    Args:
        from_date: only from this day on.
        to_date: only until this day.

    >>> len(ws.annotations())
    4
    """
    return session.each(AnnotationInfo, call("annotations", from_date=from_date, to_date=to_date).wrap("FROM "))


def projects(session: Session) -> list[ProjectInfo]:
    """The projects that the account may read. In the shell: ``mp inspect projects``.

    >>> [project.id for project in ws.projects()]
    [1]
    """
    return session.each(ProjectInfo, call("projects").wrap("FROM "))


def clear_discovery_cache(session: Session) -> None:
    """Drops the answers that were kept, so that Mixpanel is asked again.

    >>> ws.clear_discovery_cache()
    """
    session.database.functions().refresh()
