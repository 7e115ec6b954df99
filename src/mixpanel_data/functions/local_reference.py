"""The page of the reports, from their files: ``python -m mixpanel_data.functions.local_reference > docs/local.md``."""

from __future__ import annotations

from ..local import Report, reports
from .reference import table

INTRODUCTION = """\
# Local reports

What an analyst asks for, as SQL over a table that you have fetched: one fetch answers all of it, as often as you
like, without an account and without a request. Where Mixpanel has a function of the same name, both give the same
numbers, asked for the same days, unit and periods; where the definition differs, the report says so. Over a million
events most take some tenths of a second ([performance.md](performance.md#local-reports)).

```sql
CREATE OR REPLACE TABLE january AS FROM mixpanel_export('2024-01-01', '2024-01-31', deduplicate := true);

FROM local_funnel(january, ['App Open', 'Add To Cart', 'Purchase'], INTERVAL 14 DAYS, by := properties->>'$.plan');
FROM local_retention(january, 'Sign Up', 'Purchase', unit := 'week');
FROM local_segmentation(january, 'Purchase', by := properties->>'$.mp_country_code', unit := 'week', type := 'unique');
```

`local_funnel(…)` works on the connection that was registered, in `mp sql` and in a `Workspace`;
`mixpanel.local.funnel(…)` on every connection and cursor of that DuckDB. So views are made of the long name: `CREATE
VIEW daily AS FROM mixpanel.local.daily_active_users(january)`.

## What to give

**The table** is a table, a view or a CTE with the columns of an export: `january`, `archive.january`, or as text,
`'january'`; a list of them, `['january', 'february']`, or a file, `'january.parquet'`. A CTE says which events there
are at all:

```sql
WITH web AS (FROM january WHERE properties->>'$.mp_lib' = 'web')
FROM local_daily_active_users(web);
```

**`from_date` and `to_date`** say when users begin; what they do afterwards counts as long as it is in the table. So
do not cut days off with a CTE, and fetch a funnel's window, or the last period of a retention, beyond the last day:

```sql
-- of those who signed up in the first week, how many bought within seven days, by country
SELECT segment AS country, max(count) AS signed_up, min(count) AS bought, bought / signed_up AS share
FROM local_funnel(
  january, ['Sign Up', 'Purchase'], INTERVAL 7 DAYS,
  by := properties->>'$.mp_country_code', from_date := '2024-01-01', to_date := '2024-01-07'
)
GROUP BY segment ORDER BY signed_up DESC;
```

**`by`** is any SQL expression over an event, as in a SELECT: `properties->>'$.plan'`, a column of its own,
`hour(event_time)`, `CASE WHEN … END`. A mere text is refused, since it would be the same for every event. Where the
expression is NULL, the segment is `undefined`, as Mixpanel calls it. Properties kept as
[VARIANT](loading.md#properties-json-variant-columns) know no arrow: there it is `properties.plan` (and `->>` ends in
"Malformed JSON").

```sql
FROM local_funnel(january, ['App Open', 'Purchase'], by := if(hour(event_time) < 12, 'morning', 'later'));
```

A property that is a list counts in the segment of each item, as in Mixpanel, where the expression keeps it a list: with
one arrow, `properties->'$.tags'`. With two, `properties->>'$.tags'`, the list's text is one segment.

**Days** are those of UTC, whatever DuckDB's `TimeZone` is. Mixpanel counts in the project's time zone, and so does
every report with `timezone`; a day on which clocks change has 23 or 25 hours. Pauses, windows and 24-hour periods are
real time and stay as they are. `by` may speak of `local_time` there, which is `event_time` on that clock. Weeks begin
on Mondays unless `week_start` says otherwise; Mixpanel has that in the project's settings.

```sql
FROM local_segmentation(
  january, 'Purchase', by := hour(local_time), unit := 'week', timezone := 'America/New_York', week_start := 'sunday'
);
```

**Users** are those of `distinct_id`. An event without one, or with an empty one, is nobody's: it counts as an event,
and is in no number of users, no funnel, cohort, session or path. Ids are as they were exported; Mixpanel counts users
who were merged since as one, also in the past. Fetch again what changed, or let `local_merged_users` find the user of
each device in the table itself, by the rules of Mixpanel's simplified ID merge:

```sql
WITH people AS (FROM local_merged_users(january))
FROM local_funnel(people, ['App Open', 'Purchase']);
```

A table of identities of your own joins in the CTE; so does a group key, `SELECT * REPLACE (properties->>'$.company' AS
distinct_id)`, which counts companies instead of users. `local_first_time` is a filter of the same kind: it leaves each
user's first event of a name.

**Amounts** keep their type with one arrow, `properties->'$.amount'`: the text `"12"` is then no number and counts as 0,
as in Mixpanel. With two arrows every value is text, and one that looks like a number is read as one.

**Defaults** are those of the question that is called alike: Mixpanel's report, or its API where a function of ours asks
the same.

| | here | Mixpanel's report | Mixpanel's API |
| --- | --- | --- | --- |
| time zone; first day of a week | UTC; Monday | the project's | the project's |
| a funnel's time | 7 days | 7 days | saved with the funnel |
| a funnel counts | users, once a segment; attempts and sessions in `local_funnel_counted` | the same | what was saved |
| a return counts in retention | on its period | on or after its period: `mode := 'on_or_after'` | on its period |
| cohorts in retention | of the first event in the range | `cohorts := 'every'`, of each period with one | as here |
| a month in retention | 30 days; `calendar := true` for those of the calendar | the same | the same |
| flows and paths | each user once, for 30 days | the same | what was saved |
| a touch counts in attribution | for 30 days; a column for each model | for 30 days, all of it for the last touch | |
| unique users | a period, or `unit := 'range'` | a period in charts over time, else the whole range | a period |
| segments | all of them | 3,000; 200 in funnels | 60; 255 in funnels, unless told more |

**Events** are counted as the table has them. Mixpanel's export sends some more than once: `deduplicate := true` leaves
them out, and `mp fetch events` does so by itself.

**A misspelt name** is counted, too: it happened 0 times. Where the reports are registered, in DuckDB 2, a warning says
so: of an event that is nowhere in the table, and of a property in `by` that no event has which was counted, each with
the nearest names. The table is asked for its names only where the rows say nothing, so a call that is right takes two
or three milliseconds longer. A file on its own, in a DuckDB without this package, has no way to warn.

## Yours to change

Each report is a file in [sql/local](../sql/local): CTEs in reading order, no more. It runs in any DuckDB without this
package (`.read sql/local/funnel.sql`, then `FROM funnel(january, …)`). Copy one, give it another name, and change
what you like; your database keeps it:

```bash
sed 's/MACRO sessions/MACRO long_visits/; s/30 minutes/2 hours/' sql/local/sessions.sql > long_visits.sql
mp --account sandbox --path shop.duckdb fetch events january --from 2024-01-01 --to 2024-01-31 --replace --quiet
mp --account sandbox --path shop.duckdb sql -f long_visits.sql
mp --account sandbox --path shop.duckdb sql "SELECT count(*) AS visits, median(seconds) FROM long_visits(january)"
```
"""


def page() -> str:
    """The page as Markdown."""
    contents = "\n".join(table("report", ((_link(report), report.doc) for report in reports())))
    return f"{INTRODUCTION}\n## All of them\n\n{contents}" + "".join(map(_section, reports()))


def _link(report: Report) -> str:
    return f"[`{report.short_name}`](#{report.short_name})"


def _section(report: Report) -> str:
    parameters = ((p.name, f"`{p.default}`" if p.default else "required", p.meaning) for p in report.parameters)
    return "\n".join([
        f"\n## {report.short_name}\n",
        f"{report.doc}\n",
        f"```sql\n{report.example};\n```\n",
        f"{report.notes} [SQL](../sql/local/{report.name}.sql)\n",
        *table("argument", parameters),
        *table("result", ((column.name, column.meaning) for column in report.columns)),
    ])  # fmt: skip


if __name__ == "__main__":
    print(page(), end="")
