"""The sandbox's one data set: a web shop's events, made by arithmetic from the date and a session number.

Nothing is stored. Any day from 2024-01-01 on can be made at any time and comes out the same, so a data set of any size
starts at once, and every answer of the sandbox is a query over the same rows.

People sign up every day, come back less and less often (about half of the returning sessions fall within 12 days of
signing up), and in a session open the app, look around, and sometimes buy.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb

FIRST_DAY = date(2024, 1, 1)
DEFAULT_SESSIONS = 800
"""Sessions on an ordinary day, of about five events each: some 120,000 events a month."""

# Lehmer's generator, three times over, with shifts between: the same on every version of DuckDB.
RANDOM = """
CREATE MACRO scramble(x) AS (xor(x, x >> 13) * 48271 % 2147483647);
CREATE MACRO random_of(a, b) AS
  scramble(scramble(scramble((a * 7919 + b * 104729 + 1) % 2147483647))) / 2147483647.0;
CREATE MACRO pick(list, r) AS list[1 + floor(r * len(list))::INT];
"""

# One row a user: attributes follow from the user's number alone.
USERS = """
CREATE MACRO user_of(n) AS {
  distinct_id: 'user-' || lpad(n::VARCHAR, 7, '0'),
  plan: CASE WHEN random_of(n, 1) < 0.7 THEN 'free' WHEN random_of(n, 1) < 0.92 THEN 'pro' ELSE 'team' END,
  place: pick([
    {code: 'US', city: 'New York', lib: 'web'}, {code: 'US', city: 'Austin', lib: 'iphone'},
    {code: 'US', city: 'San Francisco', lib: 'web'}, {code: 'BR', city: 'São Paulo', lib: 'android'},
    {code: 'DE', city: 'Köln', lib: 'web'}, {code: 'IN', city: 'Bengaluru', lib: 'android'},
    {code: 'IN', city: 'Mumbai', lib: 'web'}, {code: 'GB', city: 'London', lib: 'iphone'},
    {code: 'JP', city: '東京', lib: 'iphone'}, {code: 'FR', city: 'L''Haÿ-les-Roses', lib: 'web'}
  ], random_of(n, 2)),
  browser: pick(['Chrome', 'Chrome', 'Chrome', 'Safari', 'Safari', 'Firefox', 'Edge'], random_of(n, 3)),
  os: pick(['Windows', 'Mac OS X', 'Android', 'iOS', 'Linux'], random_of(n, 4)),
  source: pick(['google', 'google', 'direct', 'newsletter', 'friend', 'ads'], random_of(n, 5)),
  age: 18 + floor(random_of(n, 6) * 50)::INT
};
"""

# One row a session. Session numbers below `joining` are first visits; the others belong to somebody who joined
# `age` days before, among them people who joined in the 90 days before the data begins.
SESSIONS = """
CREATE MACRO sessions(first_day, last_day, size) AS TABLE
WITH days AS (
  SELECT day::DATE AS day, (day::DATE - DATE '2024-01-01') AS n
  FROM range(greatest(first_day, DATE '2024-01-01'), last_day + INTERVAL 1 DAY, INTERVAL 1 DAY) t(day)
), sized AS (
  SELECT *, floor(size * (1 + n / 2000.0) * CASE WHEN isodow(day) >= 6 THEN 0.7 ELSE 1 END)::INT AS sessions,
         greatest(1, size // 10) AS joining
  FROM days
), numbered AS (
  SELECT *, unnest(range(sessions)) AS session, n * 1000003 + unnest(range(sessions)) AS seed FROM sized
), aged AS (
  SELECT *, session < joining AS joins,
         CASE WHEN session < joining THEN 0
              ELSE least(n + 90, 1 + floor(-ln(1 - random_of(seed, 11)) * 18)::INT) END AS age
  FROM numbered
)
SELECT day, n, session, seed, joins,
       (n - age + 90) * joining + CASE WHEN joins THEN session
         ELSE floor(pow(random_of(seed, 12), 1.5) * joining)::INT END AS user_number,
       floor(86000 * (random_of(seed, 13) + random_of(seed, 14)) / 2)::INT AS second_of_day
FROM aged;
"""

# `buys` and `ends` are columns, since a macro is written out wherever it is named, and planned as often.
EVENTS = r"""
CREATE MACRO steps_of(seed, joins, buys, ends) AS list_concat(
  ['App Open'],
  CASE WHEN joins THEN ['Sign Up'] ELSE [] END,
  list_transform(range(floor(-ln(1 - random_of(seed, 21)) * 2.4)::INT + 1),
                 lambda j : pick(['Page View', 'Page View', 'Search', 'View Item'], random_of(seed, 100 + j))),
  CASE WHEN buys < 0.35 THEN ['Add To Cart'] ELSE [] END,
  CASE WHEN buys < 0.22 THEN ['Begin Checkout'] ELSE [] END,
  CASE WHEN buys < 0.15 THEN ['Purchase'] ELSE [] END,
  CASE WHEN ends < 0.02 THEN ['Invite Friend']
       WHEN ends < 0.03 THEN ['Upgrade Plan']
       WHEN ends < 0.05 THEN ['Open Support Ticket']
       WHEN ends < 0.06 THEN ['App "Crash" 💥']
       ELSE [] END
);

CREATE MACRO visits(first_day, last_day, size) AS TABLE
WITH walks AS (
  SELECT *, steps_of(seed, joins, buys, ends) AS walk
  FROM (SELECT *, random_of(seed, 22) AS buys, random_of(seed, 23) AS ends FROM sessions(first_day, last_day, size))
), steps AS (
  SELECT * EXCLUDE (walk, buys, ends), unnest(walk) AS event, generate_subscripts(walk, 1) AS step FROM walks
), timed AS (
  SELECT event, user_of(user_number) AS person, seed * 64 + step AS id,
         epoch(day)::BIGINT + least(86399, second_of_day + step * (5 + floor(random_of(seed, 31) * 40)::INT)) AS time,
         random_of(seed, 41) AS r, 100 + floor(random_of(seed * 64 + step, 42) * 900)::INT AS item
  FROM steps
)
SELECT event, time, person.distinct_id AS distinct_id, id,
  '{"time":' || time
  || ',"distinct_id":"' || person.distinct_id
  || '","$insert_id":"' || md5(id::VARCHAR)
  || '","mp_processing_time_ms":' || (time * 1000 + 1234 + id % 5000)
  || ',"$browser":"' || person.browser || '","$os":"' || person.os
  || '","$city":"' || person.place.city || '","mp_country_code":"' || person.place.code
  || '","mp_lib":"' || person.place.lib || '","$lib_version":"2.47.0","$screen_height":1080,"$screen_width":1920'
  || ',"$device_id":"' || md5(person.distinct_id)
  || '","$current_url":"https://shop.example.com/item/' || item || '?utm_source=' || person.source
  || '","utm_source":"' || person.source || '","plan":"' || person.plan || '","age":' || person.age
  || CASE event
     WHEN 'Search' THEN ',"query":"' || pick(['red shoes', 'wool socks', '10\" pan', 'café', '手袋'], r) || '"'
     WHEN 'View Item' THEN ',"item_id":' || item || ',"category":"' || pick(['shoes', 'kitchen', 'books'], r) || '"'
     WHEN 'Add To Cart' THEN ',"item_id":' || item || ',"quantity":' || (1 + item % 3)
     WHEN 'Purchase' THEN ',"amount":' || (5 + floor(r * 20000) / 100)::DECIMAL(10, 2) || ',"currency":"USD"'
       || ',"order_id":' || (9007199254740993 + id)
       || ',"items":[{"sku":"A-' || item || '","quantity":' || (1 + item % 3)
       || '},{"sku":"B-7","quantity":1}]' || CASE WHEN r < 0.2 THEN ',"coupon":"WELCOME"' ELSE '' END
     WHEN 'Upgrade Plan' THEN ',"from_plan":"free","to_plan":"pro"'
     ELSE '' END
  || '}' AS properties
FROM timed;
"""

# What real projects have, too, every day from November 2024 on, two days before the clocks of New York go back:
# events of nobody, events of Mixpanel's own, lists, objects, values of other types, a device before and after its
# user signed up, events on both sides of midnight, and steps of a funnel within two seconds, the second of them
# first.
ODD = r"""
CREATE MACRO odd_day(n) AS [
  {event: 'Search', second: 10, who: 'odd-1', more: '"query":"café"'},
  {event: 'Page View', second: 32400, who: '', more: '"plan":"free"'},
  {event: '$hotshard_events', second: 32460, who: '', more: '"plan":"free"'},
  {event: '$identify', second: 36000, who: 'odd-1', more: '"$anon_id":"D1"'},
  {event: 'App Open', second: 36060, who: 'odd-1', more: '"plan":"pro"'},
  {event: '$campaign_delivery', second: 37800, who: 'odd-1', more: '"campaign_id":7'},
  {event: 'Page View', second: 39000, who: 'odd-1', more: '"plan":null'},
  {event: 'Listen', second: 43200, who: 'odd-1', more: '"genres":["jazz","folk"],"rating":5,"player":{"kind":"car"}'},
  {event: 'Listen', second: 43260, who: 'odd-2', more: '"genres":["jazz","jazz"],"rating":"5"'},
  {event: 'Listen', second: 43320, who: 'odd-2', more: '"genres":[],"rating":true'},
  {event: 'Listen', second: 43380, who: 'odd-3', more: '"genres":"folk","rating":null'},
  {event: 'Listen', second: 43440, who: '', more: '"rating":2.5'},
  {event: 'Page View', second: 50000, who: '$device:D' || n, more: '"$device_id":"D' || n || '"'},
  {event: 'Sign Up', second: 50060, who: 'odd-u' || n,
   more: '"$device_id":"D' || n || '","$user_id":"odd-u' || n || '"'},
  {event: 'Page View', second: 50120, who: 'odd-u' || n, more: '"$user_id":"odd-u' || n || '"'},
  {event: 'App Open', second: 53940, who: 'odd-2', more: '"plan":"free"'},
  {event: 'Begin Checkout', second: 54000, who: 'odd-2', more: '"plan":"free"'},
  {event: 'Add To Cart', second: 54001, who: 'odd-2', more: '"plan":"free"'},
  {event: 'Purchase', second: 54001, who: 'odd-2', more: '"plan":"free","amount":"12.5"'},
  {event: 'Page View', second: 86390, who: 'odd-1', more: '"plan":"team"'}
];

CREATE MACRO odd_events(first_day, last_day) AS TABLE
WITH numbered AS (
  SELECT epoch(day)::BIGINT AS midnight, day::DATE - DATE '2024-01-01' AS n, odd_day(n) AS walk
  FROM range(greatest(first_day, DATE '2024-11-01'), last_day + INTERVAL 1 DAY, INTERVAL 1 DAY) t(day)
), steps AS (
  SELECT midnight, n, unnest(walk) AS step, generate_subscripts(walk, 1) AS k FROM numbered
)
SELECT step.event AS event, midnight + step.second AS time, step.who AS distinct_id, -(n * 64 + k) AS id,
  '{"time":' || midnight + step.second || ',"distinct_id":' || to_json(step.who)
  || ',"$insert_id":"' || md5((-(n * 64 + k))::VARCHAR)
  || '","mp_processing_time_ms":' || (midnight + step.second) * 1000 + 1234 || ',' || step.more || '}' AS properties
FROM steps;

CREATE MACRO events(first_day, last_day, size) AS TABLE
FROM visits(first_day, last_day, size) UNION ALL FROM odd_events(first_day, last_day);
"""


class Dataset:
    """The events, for queries. ``sessions`` a day sets the size; it costs nothing until days are read."""

    def __init__(self, sessions: int = DEFAULT_SESSIONS) -> None:
        self.sessions = sessions
        self._engine = duckdb.connect()
        self._engine.execute(RANDOM + USERS + SESSIONS + EVENTS + ODD)
        self._tables: set[str] = set()
        self._making = threading.Lock()

    def events(self, first: date, last: date) -> str:
        """The events of these days, for a FROM clause."""
        return f"events(DATE '{first}', DATE '{last}', {self.sessions})"

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self.connect() as engine:
            return engine.execute(query, values).fetchall()

    def table(self, name: str, query: str) -> str:
        """The name of a table that is made of the query when it is first asked for."""
        with self._making:
            if name not in self._tables:
                self.rows(f"CREATE TABLE {name} AS {query}")
                self._tables.add(name)
        return name

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection of the caller's own, to be closed by the caller."""
        return self._engine.cursor()

    def close(self) -> None:
        self._engine.close()
