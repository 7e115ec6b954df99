"""Profiles into a table: whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass

from ..types import FetchPlan, PlannedRequest
from .database import Database
from .fetch import Loaded, budget_left, created, fetched, refuse_missing, refuse_other_kind, replaced, writing
from .records import Records
from .selection import ProfileSelection

FRESH = "__mixpanel_data_profiles"


@dataclass(frozen=True)
class ProfileFetch:
    """One table of profiles to be filled."""

    database: Database
    table: str
    selection: ProfileSelection

    @property
    def place(self) -> str:
        return self.database.qualify(self.table)

    def create(self) -> Loaded:
        """A new table, which appears whole, or not at all."""
        with created(self.database, self.table, self.selection.rows()) as records:
            return self._note(records)

    def replace(self) -> Loaded:
        """The new table takes the place of the old one in one moment, when all of it is there."""
        with replaced(self.database, self.table, self.selection.rows(), self.selection.TYPE) as records:
            return self._note(records)

    def append(self) -> Loaded:
        """More profiles for a table; those it has already are brought up to date."""
        refuse_missing(self.database, self.table)
        refuse_other_kind(self.database, self.table, self.selection.TYPE)
        with fetched(self.database, self.selection.rows()) as rows, writing(self.database) as records:
            con = records.con
            rows.inside(f"CREATE TEMP TABLE {FRESH} AS ").run(con)
            con.execute(f"DELETE FROM {self.place} WHERE distinct_id IN (SELECT distinct_id FROM temp.{FRESH})")
            ((added,),) = con.execute(f"INSERT INTO {self.place} BY NAME FROM temp.{FRESH}").fetchall()
            con.execute(f"DROP TABLE temp.{FRESH}")
            before = records.profiles_of(self.table)
            records.create()
            records.note_table(self.table, before.joined(self.selection) if before else self.selection, None, None)
        return Loaded(added)

    def plan(self) -> FetchPlan:
        """One request, however many profiles there are (one for every 2,000 where users are named)."""
        named = len(self.selection.distinct_ids or ())
        requests = (PlannedRequest(None, None, 0, None),) * max(1, -(-named // 2000))
        return FetchPlan(self.table, requests, budget_left(self.database, "query"))

    def _note(self, records: Records) -> Loaded:
        return Loaded(records.note_table(self.table, self.selection, None, None))
