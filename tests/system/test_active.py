"""Who is active, of a real node: exact, and after a kill as well."""
import datetime
import random
import time

from footfall import Server, wait_until

PAGES = ["/", "/pricing", "/docs", "/blog/why-exact"]


def at(seconds_ago: float) -> str:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (now - datetime.timedelta(seconds=seconds_ago)).isoformat()


def events(made: random.Random, name: str, count: int, **more) -> list[dict]:
    return [{"event_id": f"{name}-{n}", "user_id": f"u{made.randrange(60)}",
             "event_type": "click", "page_url": made.choice(PAGES), **more}
            for n in range(count)]


def truth(posted: list[dict]) -> dict:
    pages = {}
    for x in posted:
        pages.setdefault(x["page_url"], []).append(x["user_id"])
    rows = [{"page_url": page, "visitors": len(set(users)), "clicks": len(users)}
            for page, users in pages.items()]
    rows.sort(key=lambda x: (-x["visitors"], -x["clicks"], x["page_url"]))
    return {"visitors": len({x["user_id"] for x in posted}), "clicks": len(posted),
            "pages": rows}


def told(server: Server, **params) -> dict:
    answer = server.query.get("/v1/stats/active", **params)
    assert answer.status == 200, answer
    return {name: answer.json()[name] for name in ("visitors", "clicks", "pages")}


def post(server: Server, batch: list[dict]) -> None:
    answer = server.ingest.post("/v1/events", batch)
    assert answer.status == 200 and answer.json()["accepted"] == len(batch), answer


def test_it_is_what_was_posted():
    made = random.Random(7)
    with Server() as server:
        now = events(made, "now", 700)
        post(server, now)
        post(server, now[:200])  # Again: they count once.
        ahead = events(made, "ahead", 20, time_stamp=at(-3000))  # As of now.
        recent = events(made, "recent", 30, time_stamp=at(200))
        post(server, ahead + recent + events(made, "old", 50, time_stamp=at(400)))
        wanted = truth(now + ahead + recent)
        wait_until(lambda: told(server) == wanted, 10, f"it is {wanted}: {told(server)}")
        one = [x for x in now + ahead + recent if x["page_url"] == "/docs"]
        assert told(server, page_url="/docs") == truth(one)
        first = server.query.get("/v1/stats/active", limit=1).json()
        assert first["pages"] == wanted["pages"][:1] and first["more"] is True
        began = datetime.datetime.fromisoformat(first["since"])  # It knows of nothing before.
        assert abs(began.timestamp() - time.time()) < 120, first
        assert told(server, site="another")["clicks"] == 0


def test_after_a_kill_it_says_since_when():
    made = random.Random(8)
    with Server() as server:
        post(server, events(made, "before", 300))
        wait_until(lambda: told(server)["clicks"] == 300)
        server.kill9()
        server.start()
        answer = server.query.get("/v1/stats/active").json()
        assert answer["clicks"] == 0 and answer["since"] is not None, answer
        after = events(made, "after", 300)
        post(server, after)
        wait_until(lambda: told(server) == truth(after), 10, "what came since is all there")
