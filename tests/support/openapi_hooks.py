"""What schemathesis must know of Footfall beyond docs/openapi.yaml.

Rules that JSON Schema has no words for (bytes instead of characters, one parameter
before another, 64-bit numbers) are applied here to the requests that are meant to be
right; requests that are meant to be wrong stay as they are.
"""
import datetime
import json
import os
import urllib.parse

import schemathesis
from hypothesis import strategies

# Of an event that the test posted: its position is applied, so no query waits for it.
APPLIED = os.environ["FOOTFALL_TEST_POSITION"]
BYTES = {"event_id": 64, "event_type": 64, "user_id": 256, "page_url": 2048}
FIRST, LAST = datetime.datetime(2000, 1, 2), datetime.datetime(2099, 12, 30)
LONGEST_SERIES = datetime.timedelta(minutes=9_998)
RANGE_DAYS = {"live": 1, "today": 1, "7d": 7, "30d": 30, "month": 31, "12mo": 366}
REPORT_POINTS = 100_000  # Such times need each minute.
STEP_MINUTES = {"minute": 1, "hour": 60, "day": 1440}


def to_text(at: datetime.datetime) -> str:
    return at.isoformat(timespec="seconds") + "Z"


schemathesis.openapi.format("footfall-position", strategies.just(APPLIED))
schemathesis.openapi.format("footfall-password", strategies.text(
    "abc ä€", min_size=12, max_size=40))
schemathesis.openapi.format("footfall-ranges", strategies.just("0:0-9,1:5"))
schemathesis.openapi.format("time-zone", strategies.sampled_from(
    ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"]))
schemathesis.openapi.format("date-time", strategies.datetimes(FIRST, LAST).map(to_text))

schemathesis.openapi.format("footfall-ndjson", strategies.lists(
    strategies.fixed_dictionaries({name: strategies.text("abc/ä€", min_size=1, max_size=20)
                                   for name in ("user_id", "event_type", "page_url")}),
    min_size=1, max_size=5).map(lambda events: "\n".join(map(json.dumps, events))))


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def fits(value, depth: int = 1) -> bool:
    """Numbers fit 64 bits, and nothing is nested too deep."""
    if isinstance(value, dict):
        return depth < 16 and all(fits(x, depth + 1) for x in value.values())
    if isinstance(value, list):
        return depth < 16 and all(fits(x, depth + 1) for x in value)
    if isinstance(value, int):
        return -2**63 <= value < 2**64
    return True


def short(values: dict) -> bool:
    return all(len(str(values.get(name) or "").encode()) <= most for name, most in BYTES.items())


def read_time(text):
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except (AttributeError, ValueError):
        return None


def in_order(query: dict, is_series: bool) -> bool:
    """`from` stands before `to`, and the range of a series is no longer than it may be."""
    begin, end = read_time(query.get("from")), read_time(query.get("to"))
    if is_series and begin and not end:
        end = datetime.datetime.now(datetime.timezone.utc)
    if not begin or not end:
        return True
    return begin < end and (not is_series or end - begin < LONGEST_SERIES)


def is_report(query: dict, path: str) -> bool:
    return (path == "/v1/stats/summary" or query.get("step") in ("week", "month")
            or any(name in query for name in ("range", "tz", "compare")))


def fits_report(query: dict) -> bool:
    """A range or `from`, and not more steps than there may be."""
    if "range" in query and ("from" in query or "to" in query):
        return False
    if "to" in query and "from" not in query:
        return False
    begin = read_time(query.get("from"))
    end = read_time(query.get("to")) or datetime.datetime.now(datetime.timezone.utc)
    if begin and begin >= end:
        return False
    days = (end - begin).days + 1 if begin else RANGE_DAYS[query.get("range", "7d")]
    if begin and days * 1440 > REPORT_POINTS:
        return False
    return days * 1440 / STEP_MINUTES.get(query.get("step"), 10**6) < 9_998


def is_meant_to_be_right(case) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive


@schemathesis.hook
def filter_case(context, case) -> bool:
    if not is_meant_to_be_right(case):
        return True
    if len(urllib.parse.quote(str((case.path_parameters or {}).get("page", "")))) > 4_000:
        return False  # More than a head may have.
    query = case.query or {}
    if not short(query):
        return False
    if "positions" in query and len(query) > 1:
        return False
    path = case.operation.path
    if path == "/admin/audit" and "site" in query and "page_url" not in query:
        return False
    if path in ("/v1/stats/series", "/v1/stats/summary", "/v1/stats/top-pages") \
            and is_report(query, path):
        if not fits_report(query):
            return False
    elif not in_order(query, path == "/v1/stats/series"):
        return False
    body = case.body if isinstance(case.body, (dict, list)) else []
    events = body if isinstance(body, list) else [body]
    return all(short(event) and fits(event) for event in events)


@schemathesis.check
def batch_names_what_it_refused(context, response, case) -> None:
    """Stands in for negative_data_rejection on POST /v1/events: a batch with a wrong
    event is 200 when another one is right, and then says which was refused."""
    if case.operation.path != "/v1/events" or case.method != "POST":
        return
    answer = json.loads(response.content)
    if "results" not in answer:
        assert response.status_code >= 400
        return
    statuses = [result["status"] for result in answer["results"]]
    assert statuses.count("accepted") == answer["accepted"]
    assert statuses.count("rejected") == answer["rejected"]
    assert (response.status_code == 200) == ("accepted" in statuses)
    if isinstance(case.body, list):
        assert len(statuses) == len(case.body)
