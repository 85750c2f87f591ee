"""Ranges of time zones against Python's zone database: each number, counted by hand."""
import datetime
import itertools
import random
import zoneinfo

from footfall import Server, wait_until

UTC = datetime.timezone.utc
MINUTE = datetime.timedelta(minutes=1)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Chatham",
         "America/Los_Angeles")
RANGES = ("live", "today", "7d", "30d", "month", "12mo")


def clicks() -> list[datetime.datetime]:
    """Some of the last hour, of the last days, and of two years, one a second apart at least."""
    made = random.Random(5)
    now = datetime.datetime.now(UTC).replace(microsecond=0) - 2 * MINUTE
    spans = [3600] * 200 + [86400 * 9] * 400 + [86400 * 800] * 1400
    return [now - datetime.timedelta(seconds=made.randrange(span)) for span in spans]


def instant(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def begin_of(name: str, now: datetime.datetime, zone: str) -> datetime.datetime:
    """When the range begins; `now` is its last minute."""
    local = now.astimezone(zoneinfo.ZoneInfo(zone))
    if name == "live":
        return now + MINUTE - datetime.timedelta(hours=1)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if name in ("month", "12mo"):
        day = day.replace(day=1)
        months = day.year * 12 + day.month - 1 - (11 if name == "12mo" else 0)
        day = day.replace(year=months // 12, month=months % 12 + 1)
    else:
        day -= datetime.timedelta(days={"today": 0, "7d": 6, "30d": 29}[name])
    return day.astimezone(UTC)


def count(all_clicks: list[datetime.datetime], begin, end) -> int:
    return sum(begin <= x < end for x in all_clicks)


def step_of(at: datetime.datetime, step: str, zone: str):
    local = at.astimezone(zoneinfo.ZoneInfo(zone))
    return {"day": local.date(), "month": (local.year, local.month),
            "week": local.date() - datetime.timedelta(days=local.weekday())}[step]


def test_every_number_is_what_python_counts():
    made = clicks()
    events = [{"event_id": f"e-{n}", "user_id": "u", "event_type": "click",
               "page_url": f"/{n % 7}", "time_stamp": at.isoformat()}
              for n, at in enumerate(made)]
    with Server() as server:
        for at in range(0, len(events), 1000):
            assert server.ingest.post("/v1/events", events[at:at + 1000]).status == 200
        wait_until(lambda: server.query.get("/v1/system").json()["events"]["applied"]
                   == len(events))
        for name, zone, page in itertools.product(RANGES, ZONES, (None, "/3")):
            mine = [x for n, x in enumerate(made) if page is None or n % 7 == 3]
            asked = {"range": name, "tz": zone, "compare": "previous",
                     **({"page_url": page} if page else {})}
            summary = server.query.get("/v1/stats/summary", **asked).json()
            begin, end = instant(summary["range"]["from"]), instant(summary["range"]["to"])
            where = f"{name} {zone} {page} {begin} {end}"
            assert begin == begin_of(name, end - MINUTE, zone), where
            assert summary["now"]["clicks"] == count(mine, begin, end), where
            before = summary["previous"]
            assert summary["before"]["clicks"] == count(
                mine, instant(before["from"]), instant(before["to"])), where
            check_series(server, mine, asked, where)
            if not page:
                check_pages(server, made, name, zone, where)


def check_series(server: Server, mine, asked: dict, where: str) -> None:
    steps = ["day", "week", "month"] if asked["range"] != "live" else ["minute"]
    for step in steps:
        answer = server.query.get("/v1/stats/series", **asked, step=step).json()
        begin, end = instant(answer["range"]["from"]), instant(answer["range"]["to"])
        assert sum(x["clicks"] for x in answer["points"]) == count(mine, begin, end), where
        if step == "minute":
            continue
        wanted: dict = {}
        for x in mine:
            if begin <= x < end:
                key = step_of(x, step, asked["tz"])
                wanted[key] = wanted.get(key, 0) + 1
        told = {step_of(instant(x["at"]), step, asked["tz"]): x["clicks"]
                for x in answer["points"] if x["clicks"]}
        assert told == wanted, f"{where} {step}"


def check_pages(server: Server, made, name: str, zone: str, where: str) -> None:
    answer = server.query.get("/v1/stats/top-pages", range=name, tz=zone).json()
    begin, end = instant(answer["range"]["from"]), instant(answer["range"]["to"])
    for x in answer["pages"]:
        mine = [at for n, at in enumerate(made) if n % 7 == int(x["page_url"][1:])]
        assert x["clicks"] == count(mine, begin, end), f"{where} {x}"
