"""Profiles into a table: whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass

from ..types import FetchPlan, PlannedRequest
from .database import Database
from .fetch import Loaded, budget_left, fetched, refuse_existing, refuse_missing, refuse_other_kind, writing
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
        return self.database.place(self.table)

    def create(self) -> Loaded:
        """A new table, which appears whole, or not at all."""
        refuse_existing(self.database, self.table)
        with fetched(self.database, self.selection.rows()) as rows, writing(self.database) as records:
            refuse_existing(self.database, self.table)  # somebody may have made it meanwhile
            records.con.execute(f"CREATE TABLE {self.place} AS {rows.text}", rows.values or None)
            return self._note(records)

    def replace(self) -> Loaded:
        """The new table takes the place of the old one in one moment, when all of it is there."""
        refuse_other_kind(self.database, self.table, self.selection.TYPE)
        with fetched(self.database, self.selection.rows()) as rows, writing(self.database) as records:
            records.con.execute(f"CREATE OR REPLACE TABLE {self.place} AS {rows.text}", rows.values or None)
            return self._note(records)

    def append(self) -> Loaded:
        """More profiles for a table; those it has already are brought up to date."""
        refuse_missing(self.database, self.table)
        refuse_other_kind(self.database, self.table, self.selection.TYPE)
        with fetched(self.database, self.selection.rows()) as rows, writing(self.database) as records:
            con = records.con
            con.execute(f"CREATE TEMP TABLE {FRESH} AS {rows.text}", rows.values or None)
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
        records.create()
        records.forget(self.table)
        return Loaded(records.note_table(self.table, self.selection, None, None))
