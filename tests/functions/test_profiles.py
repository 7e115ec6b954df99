"""All profiles, page by page: none lost, none doubled, nothing asked for that is not needed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

import mixpanel_data
from mixpanel_data.exceptions import MixpanelDataWarning
from mixpanel_data.sandbox import Fault, Sandbox
from tests.servers import json_answer, raw_server

ENGAGE = "/api/query/engage"
MONTH = "'2024-01-01', '2024-01-31'"


def asked(sandbox: Sandbox) -> list[dict[str, str]]:
    """What each request to engage asked for, without the project."""
    params = [request.params for request in sandbox.requests if request.path == ENGAGE]
    return [{name: value for name, value in one.items() if name != "project_id"} for one in params]


def one(con: duckdb.DuckDBPyConnection, query: str) -> Any:
    ((value,),) = con.execute(query).fetchall()
    return value


def test_everybody_once(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    con.execute("CREATE TABLE people AS FROM mixpanel_profiles()")
    assert one(con, "SELECT count(*) FROM people") == one(con, "SELECT count(DISTINCT distinct_id) FROM people") > 3000
    pages = sorted(int(params.get("page", 0)) for params in asked(sandbox))
    assert pages == list(range(len(pages)))
    assert len({params["session_id"] for params in asked(sandbox) if "session_id" in params}) == 1


def test_only_the_first_page_is_charged(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("FROM mixpanel_profiles()").fetchall()
    counted = con.execute("SELECT count(*) FILTER (counted), count(*) FROM mixpanel_requests()").fetchall()
    assert counted[0][0] == 1
    assert counted[0][1] >= 5


def test_they_agree_with_the_export(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE people AS FROM mixpanel_profiles()")
    con.execute(
        f"CREATE TABLE seen AS SELECT distinct_id, max(event_time) AS last_seen, "
        f"count(*) FILTER (event_name = 'Purchase') AS purchases FROM mixpanel_export({MONTH}) GROUP BY ALL"
    )
    differing = con.execute("""
        SELECT p.distinct_id, p.last_seen, seen.last_seen FROM people p JOIN seen USING (distinct_id)
        WHERE p.last_seen <> seen.last_seen OR (p.properties->>'purchases')::INT <> seen.purchases
    """).fetchall()
    assert differing == []
    assert one(con, "SELECT count(*) FROM people JOIN seen USING (distinct_id)") > 3000


def test_a_filter(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    plans = con.execute("""
        SELECT DISTINCT properties->>'plan' FROM mixpanel_profiles(filter := 'properties["plan"] == "pro"')
    """).fetchall()
    assert plans == [("pro",)]
    assert asked(sandbox)[0]["where"] == 'properties["plan"] == "pro"'


def test_a_cohort_and_its_members_without_a_profile(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    size = one(con, "SELECT count FROM mixpanel_cohorts() WHERE id = 1001")
    everyone = con.execute("FROM mixpanel_profiles(cohort_id := 1001)").fetchall()
    assert len(everyone) == size
    assert any(properties == "{}" for _, properties, _ in everyone)
    with_profile = con.execute("FROM mixpanel_profiles(cohort_id := 1001, include_all_users := false)").fetchall()
    assert {row[0] for row in everyone if row[1] != "{}"} == {row[0] for row in with_profile}
    first = asked(sandbox)[0]
    assert (json.loads(first["filter_by_cohort"]), first["include_all_users"]) == ({"id": 1001}, "true")


def test_behaviors(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    bought = one(
        con,
        """
        SELECT count(*) FROM mixpanel_profiles(
            behaviors := [{'window': '31d', 'name': 'bought', 'event_selectors': [{'event': 'Purchase'}]}],
            filter := '(behaviors["bought"] > 0)', as_of := '2024-02-01')
        """,
    )
    assert bought == one(con, "SELECT count(*) FROM mixpanel_profiles(cohort_id := 1001, include_all_users := false)")
    assert asked(sandbox)[0]["as_of_timestamp"] == "1706745600"


def test_behaviors_of_now_can_be_paged_through(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    con.execute("""
        FROM mixpanel_profiles(behaviors := '[{"window":"30d","name":"b","event_selectors":[{"event":"Purchase"}]}]',
                               filter := '(behaviors["b"] >= 0)')
    """).fetchall()
    assert len({params["as_of_timestamp"] for params in asked(sandbox)}) == 1
    assert len(asked(sandbox)) > 1


def test_only_what_is_needed_is_asked_for(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    queries = {
        "SELECT count(*) FROM mixpanel_profiles()": ["$last_seen"],
        "SELECT distinct_id FROM mixpanel_profiles() LIMIT 1": ["$last_seen"],
        "SELECT * FROM mixpanel_profiles(properties := ['plan', '$email']) LIMIT 1": ["plan", "$email", "$last_seen"],
        "SELECT properties FROM mixpanel_profiles(properties := ['plan']) LIMIT 1": ["plan"],
        "SELECT properties FROM mixpanel_profiles() LIMIT 1": None,
    }
    for query, sent in queries.items():
        sandbox.requests.clear()
        con.execute(query).fetchall()
        # A page that was given up may still arrive from the query before.
        firsts = [params.get("output_properties") for params in asked(sandbox) if "session_id" not in params]
        assert sent in [json.loads(properties) if properties else None for properties in firsts]


def test_properties_hold_what_was_asked_for_and_no_more(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute("FROM mixpanel_profiles(properties := ['plan'], distinct_ids := ['user-0000001'])").fetchall()
    ((distinct_id, properties, last_seen),) = rows
    assert distinct_id == "user-0000001"
    assert list(json.loads(properties)) == ["plan"]
    assert last_seen is not None


def test_a_where_on_the_id_asks_for_nobody_else(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    rows = con.execute("FROM mixpanel_profiles() WHERE distinct_id IN ('user-0000001', 'user-0000002')").fetchall()
    assert len(rows) == 2
    (params,) = asked(sandbox)
    assert json.loads(params["distinct_ids"]) == ["user-0000001", "user-0000002"]


def test_thousands_of_ids_are_several_questions(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    con.execute("SET VARIABLE ids = (SELECT list('user-' || lpad((i % 2500)::VARCHAR, 7, '0')) FROM range(2600) t(i))")
    count = one(con, "SELECT count(*) FROM mixpanel_profiles(distinct_ids := getvariable('ids'))")
    assert count == one(
        con, "SELECT count(*) FROM mixpanel_profiles() WHERE distinct_id < 'user-0002500' AND distinct_id >= 'user'"
    )
    firsts = [params for params in asked(sandbox) if "distinct_ids" in params and "session_id" not in params]
    assert [len(json.loads(params["distinct_ids"])) for params in firsts] == [2000, 500]


def test_a_limit_stops_the_paging(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    con.execute("FROM mixpanel_profiles() LIMIT 3").fetchall()
    pages = -(-one(con, "SELECT count(*) FROM mixpanel_profiles()") // 1000)
    assert pages >= 5
    sandbox.requests.clear()
    con.execute("FROM mixpanel_profiles() LIMIT 3").fetchall()
    assert 1 <= len(asked(sandbox)) <= pages


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("cohort_id := 1, behaviors := [1]", "Mixpanel takes either cohort_id or behaviors: leave one out"),
        ("include_all_users := true", "include_all_users is about a cohort: write cohort_id := 1001 too"),
        ("behaviors := 'bought'", "behaviors must be JSON, a struct or a list, not 'bought'"),
        ("as_of := '2024-02-01'", "as_of is about behaviors: write behaviors := [...] too"),
        ("as_of := 'noon'", "as_of must be a point in time in the form YYYY-MM-DD HH:MM:SS, in UTC, not 'noon'"),
    ],
)
def test_what_cannot_be_asked(con: duckdb.DuckDBPyConnection, sandbox: Sandbox, arguments: str, message: str) -> None:
    with pytest.raises(duckdb.Error) as caught:
        con.execute(f"FROM mixpanel_profiles({arguments})").fetchall()
    assert message in str(caught.value)
    # A later page may still be on its way from the test before.
    assert [params for params in asked(sandbox) if "session_id" not in params] == []


def test_progress_is_told_in_profiles(sandbox: Sandbox) -> None:
    told: list[tuple[int, int]] = []
    with duckdb.connect() as con:
        mixpanel_data.register(con, account="sandbox", watch=lambda now: told.append((now.done, now.size)))
        total = one(con, "SELECT count(*) FROM mixpanel_profiles()")
    assert told[-1] == (total, total)
    assert told == sorted(told)
    assert len({done for done, _ in told}) > 3


def test_groups(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    assert con.execute("FROM mixpanel_profiles(group_id := '-1405123841946871899')").fetchall() == []
    assert asked(sandbox)[0]["data_group_id"] == "-1405123841946871899"


def people(first: int, count: int) -> list[dict[str, Any]]:
    return [{"$distinct_id": f"u{n}", "$properties": {}} for n in range(first, first + count)]


def test_a_short_first_page_is_asked_for_again(con: duckdb.DuckDBPyConnection, sandbox: Sandbox) -> None:
    total = one(con, "SELECT count(*) FROM mixpanel_profiles()")
    sandbox.faults.add(Fault(match=ENGAGE, status=200, body='{"page_size": 1000, "results": [], "total": 3000}'))
    assert one(con, "SELECT count(*) FROM mixpanel_profiles()") == total


def replies(*pages: dict[str, Any]) -> Callable[[str], bytes]:
    """One page after the other; the last one again and again."""
    waiting = list(pages)
    return lambda _: json_answer({"status": "ok", "session_id": "s", **(waiting.pop(0) if waiting[1:] else waiting[0])})


def count_of(point_at: Callable[..., None], *pages: dict[str, Any]) -> int:
    with raw_server(replies(*pages)) as server, duckdb.connect() as con:
        point_at(server.url)
        mixpanel_data.register(con)
        con.execute("CREATE TABLE people AS FROM mixpanel_profiles()")
        count: int = one(con, "SELECT count(DISTINCT distinct_id) FROM people")
        assert count == one(con, "SELECT count(*) FROM people")
    return count


def test_a_page_that_stays_short_is_an_error(point_at: Callable[..., None]) -> None:
    first = {"page_size": 3, "results": people(0, 3), "total": 5}
    with pytest.raises(duckdb.Error, match="Mixpanel announced 5 profiles, but page 1 has 1 instead of 2"):
        count_of(point_at, first, {"results": people(3, 1)})


def test_a_page_that_is_complete_the_second_time(point_at: Callable[..., None]) -> None:
    first = {"page_size": 3, "results": people(0, 3), "total": 5}
    assert count_of(point_at, first, {"results": people(3, 1)}, {"results": people(3, 2)}) == 5


def test_no_total_means_reading_until_a_page_is_short(point_at: Callable[..., None]) -> None:
    pages = [{"page_size": 2, "results": people(n, 2)} for n in (0, 2)]
    assert count_of(point_at, *pages, {"page_size": 2, "results": people(4, 1)}) == 5
    assert count_of(point_at, *pages, {"page_size": 2, "results": []}) == 4


def test_pages_that_repeat_for_ever_end_with_an_error(point_at: Callable[..., None]) -> None:
    first, second = ({"page_size": 2, "results": people(n, 2)} for n in (0, 2))
    for pages in ([first], [first, second, {"page_size": 2, "results": [*people(3, 1), *people(0, 1)]}]):
        said = f"sent page {len(pages[1:]) or 1} of the profiles with those of earlier pages alone, and does not say"
        with pytest.raises(duckdb.Error, match=said):
            count_of(point_at, *pages)


@pytest.mark.parametrize("nobody", [{}, {"$properties": {"plan": "pro"}}])
def test_pages_without_ids_that_repeat_for_ever_end_with_an_error(
    point_at: Callable[..., None], nobody: dict[str, Any]
) -> None:
    for page in ([nobody, nobody], [nobody, *people(0, 1)]):
        with pytest.raises(duckdb.Error, match="sent page 1 of the profiles with those of earlier pages alone"):
            count_of(point_at, {"page_size": 2, "results": page})


def test_profiles_without_ids_that_look_the_same_are_all_given(answering: Any) -> None:
    con, _ = answering({ENGAGE: {"page_size": 3, "results": [{"$properties": {}}, {"$properties": {}}]}})
    assert one(con, "SELECT count(*) FROM mixpanel_profiles()") == 2


@pytest.mark.parametrize("more", [{}, {"page_size": 2}])
def test_a_full_page_that_names_neither_a_number_nor_a_session_is_not_taken_for_all(
    answering: Any, more: dict[str, Any]
) -> None:
    con, server = answering({ENGAGE: {"results": people(0, 2), **more}})
    with pytest.raises(duckdb.Error, match="Mixpanel named no session in which the other profiles could be read"):
        con.execute("FROM mixpanel_profiles()").fetchall()
    assert len(server.targets) == 2


@pytest.mark.parametrize("wrong", [{"page": 0, "results": people(0, 2)}, {"page": 1, "results": people(2, 1)}])
def test_a_later_page_that_is_wrong_in_the_same_way_twice_is_not_asked_for_again(
    point_at: Callable[..., None], wrong: dict[str, Any]
) -> None:
    answer = replies({"page": 0, "page_size": 2, "results": people(0, 2), "total": 4}, wrong)
    with raw_server(answer) as server, duckdb.connect() as con:
        point_at(server.url)
        mixpanel_data.register(con)
        with pytest.raises(duckdb.Error, match="instead of"):
            con.execute("FROM mixpanel_profiles()").fetchall()
    assert len(server.targets) == 3


def test_a_page_of_another_number_is_refused(point_at: Callable[..., None]) -> None:
    with pytest.raises(duckdb.Error, match="Mixpanel sent page 0 of the profiles instead of page 1"):
        count_of(point_at, {"page": 0, "page_size": 2, "results": people(0, 2), "total": 4})
    with pytest.raises(duckdb.Error, match="Mixpanel sent page 0 of the profiles instead of page 1"):
        count_of(point_at, {"page": 0, "page_size": 2, "results": people(0, 2)})


def test_pages_need_a_session(point_at: Callable[..., None]) -> None:
    with pytest.raises(duckdb.Error, match="Mixpanel named no session"):
        count_of(point_at, {"page_size": 2, "results": people(0, 2), "total": 4, "session_id": None})


def test_a_first_page_that_is_wrong_costs_two_requests_and_no_more(answering) -> None:
    short = {"page_size": 3, "results": people(0, 2), "total": 4, "session_id": "s"}
    con, server = answering({ENGAGE: short})
    with pytest.raises(duckdb.Error, match="page 0 has 2 instead of 3"):
        con.execute("FROM mixpanel_profiles()").fetchall()
    assert len(server.targets) == 2


def test_any_other_refusal_is_told_as_it_came(point_at: Callable[..., None]) -> None:
    refusal = json_answer({"error": "no such page"}, "400 Bad Request")
    pages = [json_answer({"page_size": 2, "results": people(0, 2), "total": 4, "session_id": "s"}), refusal]
    with raw_server(lambda _: pages.pop(0) if pages[1:] else pages[0]) as server, duckdb.connect() as con:
        point_at(server.url)
        mixpanel_data.register(con)
        with pytest.raises(duckdb.Error, match="Mixpanel refused the request: no such page"):
            con.execute("FROM mixpanel_profiles()").fetchall()


@pytest.mark.parametrize("first", [{"page_size": 1000, "total": 0}, {"page_size": 1000}, {"total": 0}, {}])
def test_nobody(point_at: Callable[..., None], first: dict[str, Any]) -> None:
    assert count_of(point_at, {"results": [], **first}, {"results": people(0, 1)}) == 0


def test_an_empty_page_is_not_everybody_that_was_announced(point_at: Callable[..., None]) -> None:
    with pytest.raises(duckdb.Error, match="Mixpanel announced 3 profiles, but page 0 has 0 instead of 3"):
        count_of(point_at, {"results": [], "total": 3})


@pytest.mark.parametrize("more", [{}, {"total": 3}, {"total": "3", "page_size": "2"}])
def test_a_page_is_as_long_as_the_first_one(point_at: Callable[..., None], more: dict[str, Any]) -> None:
    assert count_of(point_at, {"results": people(0, 2), **more}, {"results": people(2, 1)}) == 3


def test_more_profiles_than_announced_are_refused(point_at: Callable[..., None]) -> None:
    first = {"page_size": 3, "results": people(0, 3), "total": 5}
    with pytest.raises(duckdb.Error, match="Mixpanel announced 5 profiles, but page 1 has 3 instead of 2"):
        count_of(point_at, first, {"results": people(3, 3)})


def test_a_single_page_needs_no_session(point_at: Callable[..., None]) -> None:
    for size in (3, 1000):
        page = {"page_size": size, "results": people(0, 3), "total": 3, "session_id": None}
        assert count_of(point_at, page) == 3


def test_the_scope_is_in_the_url_and_the_rest_in_the_body(
    con: duckdb.DuckDBPyConnection, point_at: Callable[..., None]
) -> None:
    with raw_server(replies({"page_size": 3, "results": [], "total": 0})) as server, duckdb.connect() as other:
        point_at(server.url)
        mixpanel_data.register(other)
        other.execute("FROM mixpanel_profiles(filter := 'x', workspace_id := 7)").fetchall()
    assert parse_qs(urlsplit(server.targets[0]).query) == {"project_id": ["1"], "workspace_id": ["7"]}
    assert "content-type: application/x-www-form-urlencoded" in server.heads[0].lower()


def session(name: str, number: int, *found: dict[str, Any], total: int | None = None, size: int = 2) -> bytes:
    page = {"page": number, "page_size": size, "status": "ok", "session_id": name, "results": list(found)}
    return json_answer(page if total is None else {**page, "total": total})


def person(name: str, **properties: Any) -> dict[str, Any]:
    return {"$distinct_id": name, "$properties": properties}


def read(point_at: Callable[..., None], *answers: bytes) -> tuple[list[str], int]:
    """The ids that came, sorted, and how many requests were made; the last answer is given again and again."""
    waiting = list(answers)
    with (
        raw_server(lambda _: waiting.pop(0) if waiting[1:] else waiting[0]) as server,
        duckdb.connect() as con,
    ):
        point_at(server.url)
        mixpanel_data.register(con)
        con.execute("CREATE TABLE people AS FROM mixpanel_profiles()")
        return [name for (name,) in con.execute("SELECT distinct_id FROM people ORDER BY 1").fetchall()], len(
            server.targets
        )


BUSY = json_answer({"request": ENGAGE, "error": "Internal error, try again"})
FORGOTTEN = json_answer({"error": "request for page in uncached query for params"}, "400 Bad Request")


def test_an_error_on_a_later_page_is_tried_again_since_that_is_free(point_at: Callable[..., None]) -> None:
    first = session("s", 0, person("a"), person("b"), total=3)
    assert read(point_at, first, BUSY, session("s", 1, person("c"))) == (["a", "b", "c"], 3)


def test_an_error_on_the_first_page_is_not_tried_again_since_that_costs(answering: Any) -> None:
    con, server = answering({ENGAGE: BUSY})
    with pytest.raises(duckdb.Error, match="Internal error, try again"):
        con.execute("FROM mixpanel_profiles()").fetchall()
    assert len(server.targets) == 1


def test_an_error_that_comes_each_time_ends_the_tries(point_at: Callable[..., None]) -> None:
    waiting = [session("s", 0, person("a"), person("b"), total=3)]
    with raw_server(lambda _: waiting.pop() if waiting else BUSY) as server, duckdb.connect() as con:
        point_at(server.url)
        mixpanel_data.register(con)
        with pytest.raises(duckdb.Error, match="Internal error, try again"):
            con.execute("FROM mixpanel_profiles()").fetchall()
        assert len(server.targets) == 3


def test_a_session_that_ends_is_begun_anew_and_nobody_comes_twice(point_at: Callable[..., None]) -> None:
    answers = [
        session("s", 0, person("a"), person("b"), total=4),
        FORGOTTEN,
        session("t", 0, person("c"), person("a"), total=4),
        session("t", 1, person("b"), person("d")),
    ]
    assert read(point_at, *answers) == (["a", "b", "c", "d"], 4)


@pytest.mark.parametrize(
    "said",
    [
        "request for page in uncached query for params",
        "Invalid session_id",
        "session_id expired",
        "The session has expired",
    ],
)
def test_a_session_that_ends_twice_is_an_error(point_at: Callable[..., None], said: str) -> None:
    forgotten = json_answer({"error": said}, "400 Bad Request")
    first = session("s", 0, person("a"), person("b"), total=4)
    with pytest.raises(duckdb.Error, match=f"forgotten the answer .*, twice: run the statement again .*{said}"):
        read(point_at, first, forgotten, first, forgotten)


def test_who_comes_twice_is_given_once_and_told_of(point_at: Callable[..., None]) -> None:
    told = (
        "announced 4 profiles and sent 3 different ones; 1 came more than once .* 1 may be missing: run the statement"
    )
    with pytest.warns(MixpanelDataWarning, match=told):
        people, _ = read(
            point_at,
            session("s", 0, person("a", n=1), person("b"), total=4),
            session("s", 1, person("a", n=2), person("c")),
        )
    assert people == ["a", "b", "c"]


def test_who_comes_twice_where_no_number_is_announced(point_at: Callable[..., None]) -> None:
    with pytest.warns(MixpanelDataWarning, match=r"sent 2 different ones; 1 came more than once .* may be missing"):
        people, _ = read(point_at, session("s", 0, person("a"), person("b")), session("s", 1, person("b")))
    assert people == ["a", "b"]


def test_profiles_without_an_id_are_not_taken_for_one(point_at: Callable[..., None]) -> None:
    people, _ = read(point_at, session("s", 0, {"$properties": {}}, {"$properties": {}}, total=2))
    assert people == [None, None]


@pytest.mark.parametrize("answer", [{"status": "error", "results": []}, {"status": "error", "error": ""}])
def test_an_error_without_a_text_is_an_error(answering: Any, answer: dict[str, Any]) -> None:
    con, _ = answering({ENGAGE: answer})
    with pytest.raises(duckdb.Error, match=r'Mixpanel refused the request: .*"status": "error"'):
        con.execute("CREATE TABLE people AS FROM mixpanel_profiles()")
