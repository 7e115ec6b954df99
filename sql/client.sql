-- The Mixpanel functions in a DuckDB that has attached what `mp serve` serves as mp: FROM mixpanel_events().
-- For the client, not for a connection of mixpanel_data.register. Written by `just reference`.

-- A value as SQL text: a quote in it is doubled, so that it stays a value.
CREATE OR REPLACE TEMP MACRO __mixpanel_value(value) AS
    coalesce('''' || replace(to_json(value)::VARCHAR, '''', '''''') || '''::JSON', 'NULL');

CREATE OR REPLACE TEMP MACRO "mixpanel_export"("from_date" := NULL, "to_date" := NULL, "events" := NULL, "filter" := NULL, "max_rows" := NULL, "deduplicate" := NULL, "parallel" := NULL, "on_bad_line" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."export"("from_date" := {}, "to_date" := {}, "events" := {}, "filter" := {}, "max_rows" := {}, "deduplicate" := {}, "parallel" := {}, "on_bad_line" := {}, "account" := {})', __mixpanel_value("from_date"), __mixpanel_value("to_date"), __mixpanel_value("events"), __mixpanel_value("filter"), __mixpanel_value("max_rows"), __mixpanel_value("deduplicate"), __mixpanel_value("parallel"), __mixpanel_value("on_bad_line"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_download"("from_date" := NULL, "to_date" := NULL, "events" := NULL, "filter" := NULL, "max_rows" := NULL, "deduplicate" := NULL, "parallel" := NULL, "on_bad_line" := NULL, "days" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."download"("from_date" := {}, "to_date" := {}, "events" := {}, "filter" := {}, "max_rows" := {}, "deduplicate" := {}, "parallel" := {}, "on_bad_line" := {}, "days" := {}, "account" := {})', __mixpanel_value("from_date"), __mixpanel_value("to_date"), __mixpanel_value("events"), __mixpanel_value("filter"), __mixpanel_value("max_rows"), __mixpanel_value("deduplicate"), __mixpanel_value("parallel"), __mixpanel_value("on_bad_line"), __mixpanel_value("days"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_downloaded"("handles" := NULL, "keep" := NULL, "batch_rows" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."downloaded"("handles" := {}, "keep" := {}, "batch_rows" := {})', __mixpanel_value("handles"), __mixpanel_value("keep"), __mixpanel_value("batch_rows")));

CREATE OR REPLACE TEMP MACRO "mixpanel_export_plan"("from_date" := NULL, "to_date" := NULL, "events" := NULL, "filter" := NULL, "max_rows" := NULL, "deduplicate" := NULL, "parallel" := NULL, "on_bad_line" := NULL, "days" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."export_plan"("from_date" := {}, "to_date" := {}, "events" := {}, "filter" := {}, "max_rows" := {}, "deduplicate" := {}, "parallel" := {}, "on_bad_line" := {}, "days" := {}, "account" := {})', __mixpanel_value("from_date"), __mixpanel_value("to_date"), __mixpanel_value("events"), __mixpanel_value("filter"), __mixpanel_value("max_rows"), __mixpanel_value("deduplicate"), __mixpanel_value("parallel"), __mixpanel_value("on_bad_line"), __mixpanel_value("days"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_profiles"("filter" := NULL, "cohort_id" := NULL, "properties" := NULL, "distinct_ids" := NULL, "group_id" := NULL, "behaviors" := NULL, "as_of" := NULL, "include_all_users" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."profiles"("filter" := {}, "cohort_id" := {}, "properties" := {}, "distinct_ids" := {}, "group_id" := {}, "behaviors" := {}, "as_of" := {}, "include_all_users" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("filter"), __mixpanel_value("cohort_id"), __mixpanel_value("properties"), __mixpanel_value("distinct_ids"), __mixpanel_value("group_id"), __mixpanel_value("behaviors"), __mixpanel_value("as_of"), __mixpanel_value("include_all_users"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_activity"("distinct_ids" := NULL, "from_date" := NULL, "to_date" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."activity"("distinct_ids" := {}, "from_date" := {}, "to_date" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("distinct_ids"), __mixpanel_value("from_date"), __mixpanel_value("to_date"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_events"("workspace_id" := NULL, "refresh" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."events"("workspace_id" := {}, "refresh" := {}, "account" := {})', __mixpanel_value("workspace_id"), __mixpanel_value("refresh"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_top_events"("type" := NULL, "max_rows" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."top_events"("type" := {}, "max_rows" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("type"), __mixpanel_value("max_rows"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_properties"("event" := NULL, "workspace_id" := NULL, "refresh" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."properties"("event" := {}, "workspace_id" := {}, "refresh" := {}, "account" := {})', __mixpanel_value("event"), __mixpanel_value("workspace_id"), __mixpanel_value("refresh"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_property_values"("event" := NULL, "property" := NULL, "max_rows" := NULL, "workspace_id" := NULL, "refresh" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."property_values"("event" := {}, "property" := {}, "max_rows" := {}, "workspace_id" := {}, "refresh" := {}, "account" := {})', __mixpanel_value("event"), __mixpanel_value("property"), __mixpanel_value("max_rows"), __mixpanel_value("workspace_id"), __mixpanel_value("refresh"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_funnels"("workspace_id" := NULL, "refresh" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."funnels"("workspace_id" := {}, "refresh" := {}, "account" := {})', __mixpanel_value("workspace_id"), __mixpanel_value("refresh"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_cohorts"("workspace_id" := NULL, "refresh" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."cohorts"("workspace_id" := {}, "refresh" := {}, "account" := {})', __mixpanel_value("workspace_id"), __mixpanel_value("refresh"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_bookmarks"("type" := NULL, "workspace_id" := NULL, "refresh" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."bookmarks"("type" := {}, "workspace_id" := {}, "refresh" := {}, "account" := {})', __mixpanel_value("type"), __mixpanel_value("workspace_id"), __mixpanel_value("refresh"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_schemas"("entity_type" := NULL, "name" := NULL, "workspace_id" := NULL, "refresh" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."schemas"("entity_type" := {}, "name" := {}, "workspace_id" := {}, "refresh" := {}, "account" := {})', __mixpanel_value("entity_type"), __mixpanel_value("name"), __mixpanel_value("workspace_id"), __mixpanel_value("refresh"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_annotations"("from_date" := NULL, "to_date" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."annotations"("from_date" := {}, "to_date" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("from_date"), __mixpanel_value("to_date"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_projects"("workspace_id" := NULL, "refresh" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."projects"("workspace_id" := {}, "refresh" := {}, "account" := {})', __mixpanel_value("workspace_id"), __mixpanel_value("refresh"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_workspaces"("workspace_id" := NULL, "refresh" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."workspaces"("workspace_id" := {}, "refresh" := {}, "account" := {})', __mixpanel_value("workspace_id"), __mixpanel_value("refresh"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_event_counts"("events" := NULL, "from_date" := NULL, "to_date" := NULL, "unit" := NULL, "type" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."event_counts"("events" := {}, "from_date" := {}, "to_date" := {}, "unit" := {}, "type" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("events"), __mixpanel_value("from_date"), __mixpanel_value("to_date"), __mixpanel_value("unit"), __mixpanel_value("type"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_property_counts"("event" := NULL, "property" := NULL, "from_date" := NULL, "to_date" := NULL, "unit" := NULL, "type" := NULL, "property_values" := NULL, "max_values" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."property_counts"("event" := {}, "property" := {}, "from_date" := {}, "to_date" := {}, "unit" := {}, "type" := {}, "property_values" := {}, "max_values" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("event"), __mixpanel_value("property"), __mixpanel_value("from_date"), __mixpanel_value("to_date"), __mixpanel_value("unit"), __mixpanel_value("type"), __mixpanel_value("property_values"), __mixpanel_value("max_values"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_insights"("events" := NULL, "from_date" := NULL, "to_date" := NULL, "math" := NULL, "property" := NULL, "per_user" := NULL, "segment_by" := NULL, "filters" := NULL, "unit" := NULL, "formula" := NULL, "compare" := NULL, "cumulative" := NULL, "rolling" := NULL, "max_segments" := NULL, "params" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."insights"("events" := {}, "from_date" := {}, "to_date" := {}, "math" := {}, "property" := {}, "per_user" := {}, "segment_by" := {}, "filters" := {}, "unit" := {}, "formula" := {}, "compare" := {}, "cumulative" := {}, "rolling" := {}, "max_segments" := {}, "params" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("events"), __mixpanel_value("from_date"), __mixpanel_value("to_date"), __mixpanel_value("math"), __mixpanel_value("property"), __mixpanel_value("per_user"), __mixpanel_value("segment_by"), __mixpanel_value("filters"), __mixpanel_value("unit"), __mixpanel_value("formula"), __mixpanel_value("compare"), __mixpanel_value("cumulative"), __mixpanel_value("rolling"), __mixpanel_value("max_segments"), __mixpanel_value("params"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_segmentation"("event" := NULL, "from_date" := NULL, "to_date" := NULL, "segment_by" := NULL, "unit" := NULL, "type" := NULL, "filter" := NULL, "max_segments" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."segmentation"("event" := {}, "from_date" := {}, "to_date" := {}, "segment_by" := {}, "unit" := {}, "type" := {}, "filter" := {}, "max_segments" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("event"), __mixpanel_value("from_date"), __mixpanel_value("to_date"), __mixpanel_value("segment_by"), __mixpanel_value("unit"), __mixpanel_value("type"), __mixpanel_value("filter"), __mixpanel_value("max_segments"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_segmentation_numeric"("event" := NULL, "from_date" := NULL, "to_date" := NULL, "property" := NULL, "unit" := NULL, "type" := NULL, "filter" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."segmentation_numeric"("event" := {}, "from_date" := {}, "to_date" := {}, "property" := {}, "unit" := {}, "type" := {}, "filter" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("event"), __mixpanel_value("from_date"), __mixpanel_value("to_date"), __mixpanel_value("property"), __mixpanel_value("unit"), __mixpanel_value("type"), __mixpanel_value("filter"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_segmentation_sum"("event" := NULL, "from_date" := NULL, "to_date" := NULL, "property" := NULL, "unit" := NULL, "filter" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."segmentation_sum"("event" := {}, "from_date" := {}, "to_date" := {}, "property" := {}, "unit" := {}, "filter" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("event"), __mixpanel_value("from_date"), __mixpanel_value("to_date"), __mixpanel_value("property"), __mixpanel_value("unit"), __mixpanel_value("filter"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_segmentation_average"("event" := NULL, "from_date" := NULL, "to_date" := NULL, "property" := NULL, "unit" := NULL, "filter" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."segmentation_average"("event" := {}, "from_date" := {}, "to_date" := {}, "property" := {}, "unit" := {}, "filter" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("event"), __mixpanel_value("from_date"), __mixpanel_value("to_date"), __mixpanel_value("property"), __mixpanel_value("unit"), __mixpanel_value("filter"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_funnel"("funnel_id" := NULL, "from_date" := NULL, "to_date" := NULL, "unit" := NULL, "segment_by" := NULL, "filter" := NULL, "length" := NULL, "length_unit" := NULL, "max_segments" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."funnel"("funnel_id" := {}, "from_date" := {}, "to_date" := {}, "unit" := {}, "segment_by" := {}, "filter" := {}, "length" := {}, "length_unit" := {}, "max_segments" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("funnel_id"), __mixpanel_value("from_date"), __mixpanel_value("to_date"), __mixpanel_value("unit"), __mixpanel_value("segment_by"), __mixpanel_value("filter"), __mixpanel_value("length"), __mixpanel_value("length_unit"), __mixpanel_value("max_segments"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_retention"("born_event" := NULL, "return_event" := NULL, "from_date" := NULL, "to_date" := NULL, "born_filter" := NULL, "return_filter" := NULL, "segment_by" := NULL, "type" := NULL, "unit" := NULL, "interval" := NULL, "interval_count" := NULL, "unbounded" := NULL, "max_segments" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."retention"("born_event" := {}, "return_event" := {}, "from_date" := {}, "to_date" := {}, "born_filter" := {}, "return_filter" := {}, "segment_by" := {}, "type" := {}, "unit" := {}, "interval" := {}, "interval_count" := {}, "unbounded" := {}, "max_segments" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("born_event"), __mixpanel_value("return_event"), __mixpanel_value("from_date"), __mixpanel_value("to_date"), __mixpanel_value("born_filter"), __mixpanel_value("return_filter"), __mixpanel_value("segment_by"), __mixpanel_value("type"), __mixpanel_value("unit"), __mixpanel_value("interval"), __mixpanel_value("interval_count"), __mixpanel_value("unbounded"), __mixpanel_value("max_segments"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_frequency"("from_date" := NULL, "to_date" := NULL, "event" := NULL, "unit" := NULL, "addiction_unit" := NULL, "filter" := NULL, "segment_by" := NULL, "max_segments" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."frequency"("from_date" := {}, "to_date" := {}, "event" := {}, "unit" := {}, "addiction_unit" := {}, "filter" := {}, "segment_by" := {}, "max_segments" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("from_date"), __mixpanel_value("to_date"), __mixpanel_value("event"), __mixpanel_value("unit"), __mixpanel_value("addiction_unit"), __mixpanel_value("filter"), __mixpanel_value("segment_by"), __mixpanel_value("max_segments"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_saved_report"("bookmark_id" := NULL, "keep_answer" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."saved_report"("bookmark_id" := {}, "keep_answer" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("bookmark_id"), __mixpanel_value("keep_answer"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_flows"("bookmark_id" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."flows"("bookmark_id" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("bookmark_id"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_jql"("script" := NULL, "params" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."jql"("script" := {}, "params" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("script"), __mixpanel_value("params"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_get"("path" := NULL, "params" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."get"("path" := {}, "params" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("path"), __mixpanel_value("params"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_post"("path" := NULL, "params" := NULL, "as_json" := NULL, "workspace_id" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."post"("path" := {}, "params" := {}, "as_json" := {}, "workspace_id" := {}, "account" := {})', __mixpanel_value("path"), __mixpanel_value("params"), __mixpanel_value("as_json"), __mixpanel_value("workspace_id"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_days"("from_date" := NULL, "to_date" := NULL, "account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."days"("from_date" := {}, "to_date" := {}, "account" := {})', __mixpanel_value("from_date"), __mixpanel_value("to_date"), __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_requests"() AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."requests"()'));

CREATE OR REPLACE TEMP MACRO "mixpanel_budget"("account" := NULL) AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."budget"("account" := {})', __mixpanel_value("account")));

CREATE OR REPLACE TEMP MACRO "mixpanel_functions"() AS TABLE
    FROM quack_query_by_name('mp', format('FROM mixpanel."functions"()'));
