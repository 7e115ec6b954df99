"""Profiles into a table: whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass

from ..quoting import quoted
from ..types import FetchPlan, PlannedRequest
from .database import Database
from .fetch import Loaded, budget_left, fetched, refuse_existing, refuse_missing, writing
from .records import Records
from .selection import ProfileSelection


@dataclass(frozen=True)
class ProfileFetch:
    """One table of profiles to be filled."""

    database: Database
    table: str
    selection: ProfileSelection

    def create(self) -> Loaded:
        """A new table, which appears whole, or not at all."""
        refuse_existing(self.database, self.table)
        with fetched(self.database, self.selection.rows()) as rows, writing(self.database) as records:
            refuse_existing(self.database, self.table)  # somebody may have made it meanwhile
            records.con.execute(f"CREATE TABLE {quoted(self.table)} AS {rows.text}", rows.values or None)
            return self._note(records)

    def replace(self) -> Loaded:
        """The new table takes the place of the old one in one moment, when all of it is there."""
        with fetched(self.database, self.selection.rows()) as rows, writing(self.database) as records:
            records.con.execute(f"CREATE OR REPLACE TABLE {quoted(self.table)} AS {rows.text}", rows.values or None)
            records.create()
            records.forget(self.table)
            return self._note(records)

    def append(self) -> Loaded:
        """More profiles for a table; those it has already are brought up to date."""
        refuse_missing(self.database, self.table)
        with fetched(self.database, self.selection.rows()) as rows, writing(self.database) as records:
            table = quoted(self.table)
            records.con.execute(f"CREATE TEMP TABLE __mixpanel_data_profiles AS {rows.text}", rows.values or None)
            records.con.execute(
                f"DELETE FROM {table} WHERE distinct_id IN (SELECT distinct_id FROM temp.__mixpanel_data_profiles)"
            )
            ((added,),) = records.con.execute(
                f"INSERT INTO {table} BY NAME FROM temp.__mixpanel_data_profiles"
            ).fetchall()
            records.con.execute("DROP TABLE temp.__mixpanel_data_profiles")
            self._note(records)
        return Loaded(added)

    def plan(self) -> FetchPlan:
        """One request, however many profiles there are (one for every 2,000 where users are named)."""
        named = len(self.selection.distinct_ids or ())
        requests = (PlannedRequest(None, None, 0, None),) * max(1, -(-named // 2000))
        return FetchPlan(self.table, requests, budget_left(self.database, "query"))

    def _note(self, records: Records) -> Loaded:
        records.create()
        return Loaded(records.note_table(self.table, self.selection, None, None))
