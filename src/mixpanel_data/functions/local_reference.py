"""The page of the reports, from their files: ``python -m mixpanel_data.functions.local_reference > docs/local.md``."""

from __future__ import annotations

from ..local import Report, reports
from .reference import table

INTRODUCTION = """\
# Local reports

What an analyst asks for, as SQL over a table that you have fetched: one fetch answers all of it, as often as you
like, and costs no further request. Where Mixpanel has a function of the same name, both give the same numbers; a
report says where its definition differs. A million events take tenths of a second
([performance.md](performance.md#local-reports)).

```sql
CREATE OR REPLACE TABLE january AS FROM mixpanel_export('2024-01-01', '2024-01-31');

FROM local_funnel(january, ['App Open', 'Add To Cart', 'Purchase'], INTERVAL 14 DAYS, by := properties->>'$.plan');
FROM local_retention(january, 'Sign Up', 'Purchase', unit := 'week');
FROM local_segmentation(january, 'Purchase', by := properties->>'$.mp_country_code', unit := 'week', type := 'unique');
```

`local_funnel(…)` works on the connection that was registered, in `mp sql` and in a `Workspace`;
`mixpanel.local.funnel(…)` on every connection of that DuckDB.

## What to give

**The table** is a table, a view or a CTE with the columns of an export: `january`, `archive.january`, or as text,
`'january'`. So a CTE says which events count:

```sql
WITH web AS (FROM january WHERE properties->>'$.mp_lib' = 'web')
FROM local_daily_active_users(web);
```

**`by`** is any SQL expression over an event, as in a SELECT: `properties->>'$.plan'`, a column of its own,
`hour(event_time)`, `CASE WHEN … END`. Where properties are [VARIANT](loading.md#properties-json-variant-columns) it
is `properties.plan`. A mere text is refused, since it would be the same for every event. Where the expression is
NULL, the segment is `undefined`, as Mixpanel calls it.

```sql
FROM local_funnel(january, ['App Open', 'Purchase'], by := if(hour(event_time) < 12, 'morning', 'later'));
```

**Days** are those of `event_time`, which is UTC. Mixpanel counts in the project's time zone, and so do you with

```sql
WITH here AS (
  SELECT * REPLACE (timezone('America/New_York', timezone('UTC', event_time)) AS event_time) FROM january
)
FROM local_segmentation(here, 'Purchase');
```

**Users** are those of `distinct_id` as it was exported. Mixpanel counts users who were merged since as one; fetch
again what changed, or join your own table of identities in the CTE.

**`from_date` and `to_date`** say when users begin; what they do afterwards counts as long as it is in the table. So
fetch a funnel's window, or the last period of a retention, beyond them.

## Yours to change

Each report is a file in [sql/local](../sql/local): CTEs in reading order, no more. It runs in any DuckDB without this
package (`.read sql/local/funnel.sql`, then `FROM funnel(january, …)`); copy one, and change what you like.

```bash
mp --account sandbox --ephemeral sql -f sql/local/sessions.sql
```
"""


def page() -> str:
    """The page as Markdown."""
    contents = "\n".join(table("report", ((_link(report), report.doc) for report in reports())))
    return f"{INTRODUCTION}\n## All of them\n\n{contents}" + "".join(map(_section, reports()))


def _link(report: Report) -> str:
    return f"[`local_{report.name}`](#local_{report.name})"


def _section(report: Report) -> str:
    parameters = ((p.name, f"`{p.default}`" if p.default else "required", p.meaning) for p in report.parameters)
    return "\n".join([
        f"\n## local_{report.name}\n",
        f"{report.doc}\n",
        f"```sql\n{report.example};\n```\n",
        f"{report.notes} [SQL](../sql/local/{report.name}.sql)\n",
        *table("argument", parameters),
        *table("result", ((column.name, column.meaning) for column in report.columns)),
    ])  # fmt: skip


if __name__ == "__main__":
    print(page(), end="")
