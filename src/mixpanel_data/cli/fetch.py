"""``mp fetch``: Mixpanel's data into local tables, or straight to standard output."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..exceptions import ArgumentError, QueryError
from .command import command, group
from .names import Cohort, Event, Events, Property, SkipBadLines, Where, names_in, number_or_name
from .rows import Lines

if TYPE_CHECKING:
    from ..workspace.workspace import Workspace

app = group(
    "mp --account sandbox fetch events january --from 2024-01-01 --to 2024-01-31 --replace",
    "Fetch events and profiles into local tables.",
)
EVENT_COLUMNS = ("event_name", "event_time", "distinct_id", "insert_id", "properties")
PROFILE_COLUMNS = ("distinct_id", "properties", "last_seen")

Stdout = Annotated[bool, typer.Option("--stdout", help="Print JSON lines instead of filling a table.")]
Raw = Annotated[bool, typer.Option("--raw", help="With --stdout: as Mixpanel has them.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be asked of Mixpanel.")]


class Properties(StrEnum):
    """How properties are stored."""

    JSON = "json"
    VARIANT = "variant"


class Compression(StrEnum):
    """How JSON properties are compressed."""

    AUTO = "auto"
    ZSTD = "zstd"


@command(
    app,
    "events",
    "mp --account sandbox fetch events january --from 2024-01-01 --to 2024-01-31 --replace",
    twin="Workspace.fetch_events",
)
def events(
    workspace: Workspace,
    name: Annotated[str, typer.Argument(help="The table.")] = "events",
    from_date: Annotated[
        str | None, typer.Option("--from", help="First day: 2024-01-01, yesterday, 7d (seven days ago).")
    ] = None,
    to_date: Annotated[str | None, typer.Option("--to", help="Last day, inclusive; today unless given.")] = None,
    events: Events = None,
    event: Event = None,
    where: Where = None,
    limit: Annotated[int | None, typer.Option(min=1, help="A sample of so many events.")] = None,
    append: Annotated[
        bool, typer.Option("--append", help="Add these days to the table, or bring them up to date.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Put the new table in the place of the old.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Commit days as they come; fetch only those that are missing.")
    ] = False,
    sync: Annotated[bool, typer.Option("--sync", help="Bring the table up to date, late events included.")] = False,
    look_back: Annotated[int, typer.Option(min=0, help="With --sync: how many loaded days to fetch once more.")] = 5,
    dry_run: DryRun = False,
    properties: Annotated[Properties, typer.Option(help="How to store properties.")] = Properties.JSON,
    compression: Annotated[
        Compression, typer.Option(help="zstd: a smaller file that loads faster, and is slower to query by property.")
    ] = Compression.AUTO,
    column: Annotated[
        list[str] | None,
        typer.Option(help="A property as a column: country=mp_country_code, amount='$.amount:DOUBLE'."),
    ] = None,
    keep_duplicates: Annotated[
        bool, typer.Option("--keep-duplicates", help="Keep what Mixpanel sent more than once.")
    ] = False,
    parallel: Annotated[int | None, typer.Option(help="Downloads at once, 5 at most.", show_default=False)] = None,
    skip_bad_lines: SkipBadLines = False,
    stdout: Stdout = False,
    raw: Raw = False,
) -> Any:
    """Fetch raw events into a table.

    It appears whole or not at all; what was fetched is said on standard output.
    """
    asked: dict[str, Any] = {
        "from_date": from_date,
        "to_date": to_date,
        "events": names_in(events, event),
        "where": where,
        "limit": limit,
        "on_bad_line": "skip" if skip_bad_lines else "error",
    }
    of_tables = {
        "append": append,
        "replace": replace,
        "resume": resume,
        "sync": sync,
        "dry_run": dry_run,
        "properties": properties is not Properties.JSON,
        "compression": compression is not Compression.AUTO,
        "column": column,
        "keep_duplicates": keep_duplicates,
    }
    if _goes_out(stdout, raw, **of_tables):
        if from_date is None or to_date is None:
            raise ArgumentError("--stdout needs a first and a last day: add --from 2024-01-01 --to 2024-01-31")
        return Lines(workspace.event_lines(**asked, raw=raw), _columns(EVENT_COLUMNS, raw))
    if from_date is None and not sync:
        raise ArgumentError("from which day on? Add --from 2024-01-01")
    run = workspace.plan_events if dry_run else workspace.fetch_events
    return run(
        name,
        **asked,
        append=append,
        replace=replace,
        resume=resume,
        sync=sync,
        look_back=look_back,
        properties=properties.value,
        compression=compression.value,
        columns=dict(_column(text) for text in column or []),
        deduplicate=not keep_duplicates,
        parallel=parallel,
    )


@command(
    app,
    "profiles",
    """mp --account sandbox fetch profiles pro --where 'properties["plan"] == "pro"' --replace""",
    twin="Workspace.fetch_profiles",
)
def profiles(
    workspace: Workspace,
    name: Annotated[str, typer.Argument(help="The table.")] = "profiles",
    where: Where = None,
    cohort: Cohort = None,
    property: Property = None,  # noqa: A002 - the option's name
    distinct_id: Annotated[list[str] | None, typer.Option(help="Only this user; may be given again.")] = None,
    append: Annotated[bool, typer.Option("--append", help="Add to the table; bring up to date what it has.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Put the new table in the place of the old.")] = False,
    dry_run: DryRun = False,
    stdout: Stdout = False,
    raw: Raw = False,
) -> Any:
    """Fetch profiles into a table.

    It appears whole or not at all; what was fetched is said on standard output.
    """
    asked: dict[str, Any] = {
        "where": where,
        "cohort": number_or_name(cohort),
        "properties": property or None,
        "distinct_ids": distinct_id or None,
    }
    if _goes_out(stdout, raw, append=append, replace=replace, dry_run=dry_run):
        return Lines(workspace.profile_lines(**asked, raw=raw), _columns(PROFILE_COLUMNS, raw))
    run = workspace.plan_profiles if dry_run else workspace.fetch_profiles
    return run(name, **asked, append=append, replace=replace)


def _goes_out(stdout: bool, raw: bool, **others: object) -> bool:
    """Whether nothing is to be kept.

    Raises:
        ArgumentError: options that are for tables are given too.
    """
    if raw and not stdout:
        raise ArgumentError("--raw is for --stdout: add it, or leave --raw out")
    unfit = next((name for name, given in others.items() if given), None)
    if stdout and unfit:
        raise ArgumentError(f"--stdout fills no table: leave --{unfit.replace('_', '-')} out")
    return stdout


def _columns(usual: tuple[str, ...], raw: bool) -> tuple[str, ...]:
    if not raw:
        return usual
    return ("event", "properties") if usual is EVENT_COLUMNS else ("$distinct_id", "$properties")


def _column(text: str) -> tuple[str, str | tuple[str, str]]:
    name, equals, path = text.partition("=")
    if not name or not equals or not path:
        raise QueryError(f"--column {text}: write a name, = and a property, as in country=mp_country_code")
    path, colon, kind = path.rpartition(":") if ":" in path else (path, "", "")
    return name, (path, kind) if colon else path
