"""The table functions: one declaration for each Mixpanel endpoint, one module for each family."""

from .. import arrow  # noqa: F401 - before anything imports pyarrow's data sets
from .activity import activity
from .annotations import annotations_
from .arguments import read_arguments
from .bookmarks import bookmarks
from .catalog import catalog
from .cohorts import cohorts
from .days import days
from .declaration import Call, Function
from .downloads import download, downloaded
from .events import event_counts, events, top_events
from .export import export
from .funnels import funnel, funnels
from .held import Downloads
from .insights import insights
from .jql import jql
from .kept import Kept
from .lexicon import schemas
from .plan import export_plan
from .predicate import EVERYTHING, Predicate
from .profiles import profiles
from .projects import projects, workspaces
from .properties import properties, property_counts, property_values
from .raw import get, post
from .relative import resolve_days
from .reports import flows, saved_report
from .requests import budget, requests_
from .retention import frequency, retention
from .segmentation import segmentation, segmentation_average, segmentation_numeric, segmentation_sum

FUNCTIONS: tuple[Function, ...] = (
    *(export, download, downloaded, export_plan, profiles, activity),
    *(events, top_events, properties, property_values),
    *(funnels, cohorts, bookmarks, schemas, annotations_, projects, workspaces),
    *(event_counts, property_counts),
    *(insights, segmentation, segmentation_numeric, segmentation_sum, segmentation_average),
    *(funnel, retention, frequency, saved_report, flows, jql, get, post),
    *(days, requests_, budget, catalog(lambda: FUNCTIONS)),
)
"""All of them, in the order in which they are listed to people."""

__all__ = [
    "EVERYTHING",
    "FUNCTIONS",
    "Call",
    "Downloads",
    "Function",
    "Kept",
    "Predicate",
    "read_arguments",
    "resolve_days",
]
