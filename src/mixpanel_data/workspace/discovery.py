"""What there is in the project: events, properties, saved things."""

from __future__ import annotations

import json
from typing import Literal

from ..results import whole
from ..types import AnnotationInfo, BookmarkInfo, FunnelInfo, LexiconSchema, ProjectInfo, SavedCohort, TopEvent
from .session import Day, Session
from .statement import Statement, call

EVERY_EVENT = 5000
"""More than a project may have."""
COHORTS = """
SELECT id, name, count, coalesce(description, '') AS description,
  coalesce(strftime(created, '%Y-%m-%dT%H:%M:%S'), '') AS created, is_visible
FROM """
BOOKMARKS = "SELECT id, name, type, description, created, modified, creator, workspace_id FROM "
SCHEMAS = "SELECT entity_type, name, display_name, description, properties, tags, hidden, dropped FROM "


class Discovery(Session):
    """Questions about the project. Answers are kept for the life of the workspace, except that of ``top_events``."""

    def events(self) -> list[str]:
        """The names of all events, in alphabetical order.

        In the shell: ``mp inspect events``.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     "Purchase" in ws.events()
            True
        """
        return self._names(call("events").inside("SELECT event_name FROM "))

    def properties(self, event: str) -> list[str]:
        """The names of an event's properties, in alphabetical order.

        In the shell: ``mp inspect properties``.

        Raises:
            NotFoundError: there is no such event; the message names the nearest.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     [name for name in ws.properties("Purchase") if name.startswith("am")]
            ['amount']
        """
        return self._names(
            call("properties", event=event).inside("SELECT property_name FROM ", " ORDER BY property_name")
        )

    def property_values(self, event: str, property: str, limit: int = 100) -> list[str]:  # noqa: A002
        """Values of a property, the most frequent first.

        In the shell: ``mp inspect values``.

        Args:
            event: name of the event.
            property: name of the property.
            limit: at most so many.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     ws.property_values("Purchase", "plan")
            ['free', 'pro', 'team']
        """
        found = call("property_values", event=event, property=property, max_rows=limit)
        return self._names(found.inside("SELECT value FROM "))

    def funnels(self) -> list[FunnelInfo]:
        """The saved funnels.

        In the shell: ``mp inspect funnels``.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     ws.funnels()[0].name
            'Purchase funnel'
        """
        return self._each(FunnelInfo, call("funnels").inside("SELECT id AS funnel_id, name FROM "))

    def cohorts(self) -> list[SavedCohort]:
        """The saved cohorts.

        In the shell: ``mp inspect cohorts``.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     [cohort.id for cohort in ws.cohorts()]
            [1001, 1002, 1003]
        """
        return self._each(SavedCohort, call("cohorts").inside(COHORTS))

    def bookmarks(self, type: str | None = None) -> list[BookmarkInfo]:  # noqa: A002
        """The saved reports.

        In the shell: ``mp inspect bookmarks``.

        Args:
            type: only reports of this type: ``insights``, ``funnels``, ``retention``, ``flows``…

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     [report.id for report in ws.bookmarks("flows")]
            [4001]
        """
        return self._each(BookmarkInfo, call("bookmarks", type=type).inside(BOOKMARKS))

    def schemas(self, entity_type: str | None = None, name: str | None = None) -> list[LexiconSchema]:
        """What the Lexicon says of events and profiles.

        In the shell: ``mp inspect schemas``.

        Args:
            entity_type: only of this kind, such as ``event`` or ``profile``.
            name: only of this event.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     {schema.entity_type for schema in ws.schemas("event")}
            {'event'}
        """
        rows = self._answer(call("schemas", entity_type=entity_type, name=name).inside(SCHEMAS)).to_pylist()
        return [LexiconSchema(**{**row, "properties": json.loads(row["properties"] or "{}")}) for row in rows]

    def top_events(
        self,
        type: Literal["general", "average", "unique"] = "general",  # noqa: A002
        limit: int | None = None,
    ) -> list[TopEvent]:
        """Today's most frequent events, asked for anew each time.

        In the shell: ``mp inspect top-events``.

        Args:
            type: what counts: events (``general``), users (``unique``), or events for each user (``average``).
            limit: only so many; all unless given.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     len(ws.top_events(limit=3))
            3
        """
        asked = call("top_events", type=type, max_rows=EVERY_EVENT if limit is None else limit)
        rows = self._answer(asked.inside("FROM ", " ORDER BY count DESC")).to_pylist()
        return [
            TopEvent(row["event_name"], whole(row["count"] or 0), (row["percent_change"] or 0.0) * 100) for row in rows
        ]

    def annotations(self, from_date: Day | None = None, to_date: Day | None = None) -> list[AnnotationInfo]:
        """Notes on what happened when.

        In the shell: ``mp inspect annotations``.

        Args:
            from_date: only from this day on.
            to_date: only until this day.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     len(ws.annotations())
            4
        """
        return self._each(AnnotationInfo, call("annotations", from_date=from_date, to_date=to_date).inside("FROM "))

    def projects(self) -> list[ProjectInfo]:
        """The projects that the account may read.

        In the shell: ``mp inspect projects``.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     [project.id for project in ws.projects()]
            [1]
        """
        return self._each(ProjectInfo, call("projects").inside("FROM "))

    def clear_discovery_cache(self) -> None:
        """Lets go of the answers that were kept, so that Mixpanel is asked again.

        Example:
            >>> from mixpanel_data import Workspace
            >>> with Workspace.memory("sandbox") as ws:
            ...     ws.clear_discovery_cache()
        """
        self._database.functions().refresh()

    def list_events(self) -> list[str]:
        """The same as ``events``."""
        return self.events()

    def list_properties(self, event: str) -> list[str]:
        """The same as ``properties``."""
        return self.properties(event)

    def list_funnels(self) -> list[FunnelInfo]:
        """The same as ``funnels``."""
        return self.funnels()

    def list_cohorts(self) -> list[SavedCohort]:
        """The same as ``cohorts``."""
        return self.cohorts()

    def list_bookmarks(self, type: str | None = None) -> list[BookmarkInfo]:  # noqa: A002
        """The same as ``bookmarks``."""
        return self.bookmarks(type)

    def _names(self, statement: Statement) -> list[str]:
        """The one column that the statement gives."""
        return list(self._answer(statement).column(0).to_pylist())
