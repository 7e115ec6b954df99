"""``mp fetch``: Mixpanel's data into local tables."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ..exceptions import QueryError
from .progress import progress_line
from .settings import Settings

if TYPE_CHECKING:
    from ..client import Watcher
    from ..workspace.workspace import Workspace

fetch = typer.Typer(name="fetch", help="Fetch into the local database.", no_args_is_help=True, rich_markup_mode=None)


class Properties(StrEnum):
    """How properties are stored."""

    JSON = "json"
    VARIANT = "variant"


@fetch.command("events")
def events(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The table.")] = "events",
    from_date: Annotated[str | None, typer.Option("--from", help="First day, as in 2024-01-01.")] = None,
    to_date: Annotated[str | None, typer.Option("--to", help="Last day, inclusive; today unless given.")] = None,
    names: Annotated[str | None, typer.Option("--events", help="Only these events, separated by commas.")] = None,
    event: Annotated[list[str] | None, typer.Option(help="Only this event; may be given again.")] = None,
    where: Annotated[str | None, typer.Option(help="A Mixpanel filter expression.")] = None,
    append: Annotated[bool, typer.Option("--append", help="Add to the table what it has not yet.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Put the new table in the place of the old.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Commit days as they come; fetch only those that are missing.")
    ] = False,
    sync: Annotated[bool, typer.Option("--sync", help="Bring the table up to date, late events included.")] = False,
    look_back: Annotated[int, typer.Option(help="With --sync: how many loaded days to fetch once more.")] = 5,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be asked of Mixpanel.")] = False,
    properties: Annotated[Properties, typer.Option(help="How to store properties.")] = Properties.JSON,
    column: Annotated[
        list[str] | None,
        typer.Option(help="A property as a column: country=mp_country_code, amount='$.amount:DOUBLE'."),
    ] = None,
    keep_duplicates: Annotated[
        bool, typer.Option("--keep-duplicates", help="Keep what Mixpanel sent more than once.")
    ] = False,
    parallel: Annotated[int | None, typer.Option(help="Downloads at once.", show_default=False)] = None,
) -> None:
    """Fetch raw events into a table; it appears whole or not at all.

    Example: mp --account sandbox --path shop.db fetch events january --from 2024-01-01 --to 2024-01-31
    """
    settings: Settings = context.obj
    wanted = [*(names.split(",") if names else []), *(event or [])]
    with progress_line(settings.progress, settings.quiet) as line, _workspace(settings, line.show) as workspace:
        result = workspace.fetch_events(
            name,
            from_date=from_date,
            to_date=to_date,
            events=wanted or None,
            where=where,
            append=append,
            replace=replace,
            resume=resume,
            sync=sync,
            look_back=look_back,
            dry_run=dry_run,
            properties=properties.value,
            columns=dict(_column(text) for text in column or []),
            deduplicate=not keep_duplicates,
            parallel=parallel,
        )
    typer.echo(json.dumps(result.to_dict()))


@fetch.command("profiles")
def profiles(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The table.")] = "profiles",
    where: Annotated[str | None, typer.Option(help="A Mixpanel filter expression over profiles.")] = None,
    cohort: Annotated[str | None, typer.Option(help="Only members of this cohort: its id, or its name.")] = None,
    property: Annotated[  # noqa: A002 - the option's name
        list[str] | None, typer.Option(help="Only this property; may be given again.")
    ] = None,
    append: Annotated[bool, typer.Option("--append", help="Add to the table; bring up to date what it has.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Put the new table in the place of the old.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be asked of Mixpanel.")] = False,
) -> None:
    """Fetch profiles into a table; it appears whole or not at all.

    Example: mp --account sandbox --path shop.db fetch profiles pro --where 'properties["plan"] == "pro"'
    """
    settings: Settings = context.obj
    with progress_line(settings.progress, settings.quiet) as line, _workspace(settings, line.show) as workspace:
        result = workspace.fetch_profiles(
            name,
            where=where,
            cohort=int(cohort) if cohort and cohort.isdigit() else cohort,
            properties=property or None,
            append=append,
            replace=replace,
            dry_run=dry_run,
        )
    typer.echo(json.dumps(result.to_dict()))


def _workspace(settings: Settings, watch: Watcher) -> Workspace:
    from ..workspace.workspace import Workspace  # noqa: PLC0415 - takes longer to load than --help to answer

    if settings.path is None:
        raise QueryError("fetch needs a database to put the table into: write mp --path shop.db fetch …")
    return Workspace(settings.account, path=settings.path, wait=settings.waits, progress=watch)


def _column(text: str) -> tuple[str, str | tuple[str, str]]:
    name, equals, path = text.partition("=")
    if not name or not equals or not path:
        raise QueryError(f"--column {text}: write a name, = and a property, as in country=mp_country_code")
    path, colon, kind = path.rpartition(":") if ":" in path else (path, "", "")
    return name, (path, kind) if colon else path
