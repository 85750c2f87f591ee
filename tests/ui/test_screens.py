"""Every screen in Chromium: nothing breaks, nothing is out of reach, and numbers land; how soon,
test_landing.py measures."""
import random

import pytest

from browser import LOOKS, Screen, check_looks, go
from footfall import Server, wait_until

PAGES = ["/", "/pricing", "/docs", "/docs/install", "/blog/why-exact"]
SCREENS = ["/", "/page?u=/pricing", "/live", "/actors", "/system", "/try"]
HOSTILE = ["<img src=x onerror=\"document.title='broken'\">", "/\u202egnp.exe",
           "=HYPERLINK(\"http://evil\")", "javascript:alert(1)", "/" + "long" * 500]


@pytest.fixture(scope="module")
def server():
    made = random.Random(1)
    events = [{"event_id": f"e-{n}", "user_id": f"u{made.randrange(40)}", "event_type": "click",
               "page_url": made.choice(PAGES)} for n in range(900)]
    events += [{"event_id": f"h-{n}", "user_id": text[:250], "event_type": "click",
                "page_url": text} for n, text in enumerate(HOSTILE)]
    with Server() as running:
        assert running.ingest.post("/v1/events", events).status == 200
        wait_until(lambda: running.query.get("/v1/system").json()["events"]["applied"]
                   == len(events))
        yield running


@pytest.mark.parametrize("scheme, width", LOOKS)
def test_screens_are_whole_and_within_reach(browser, server, scheme, width):
    for path in SCREENS:
        screen = Screen(browser, server.url("query"), width, scheme).open(path)
        screen.page.wait_for_timeout(1500)
        check_looks(screen, f"{path} {scheme} {width}")
        screen.close()


def test_names_are_text_wherever_they_stand(browser, server):
    for path in SCREENS:
        screen = Screen(browser, server.url("query")).open(path)
        screen.page.wait_for_timeout(1000)
        assert screen.page.title() != "broken"
        assert screen.page.locator("img[src=x]").count() == 0
        assert screen.page.locator("a[href^='javascript']").count() == 0
        assert "\u202e" not in screen.text()
        assert not screen.faults, screen.faults
        screen.close()


def test_who_is_active_lands_on_the_screens(browser, server):
    client = server.client("ingest")  # Shared ones may have been idle for too long.

    def active(screen: Screen) -> int:
        return int(screen.page.locator("[aria-label='Active users'] .num").inner_text())

    for n, path in enumerate(("/", "/page?u=/pricing", "/live")):
        screen = Screen(browser, server.url("query")).open(path)
        screen.page.locator("[aria-label='Active users'] .num").wait_for()
        screen.page.wait_for_timeout(1500)  # The first word of the stream is there.
        before = active(screen)
        assert before >= 1
        for again in range(2):  # Who comes twice counts once.
            client.post("/v1/events", {"event_id": f"active-{n}-{again}", "user_id": f"new-{n}",
                                       "event_type": "click", "page_url": "/pricing"})
        wait_until(lambda: active(screen) == before + 1, 10, "the new user is counted")
        if path == "/live":
            assert "/pricing" in screen.page.locator("[aria-label='Active pages']").inner_text()
        assert not screen.faults, screen.faults
        screen.close()


def test_a_page_is_recounted(browser, server):
    screen = Screen(browser, server.url("query")).open("/page?u=/pricing")
    screen.page.get_by_text("What stands behind this page's numbers").click()
    screen.page.get_by_role("button", name="Recount this page").click()
    screen.await_text("All that was compared is equal.")
    screen.await_text("raw events of the page")
    assert not screen.faults, screen.faults
    screen.close()


def test_the_last_ten_minutes_are_there_at_once(browser, server):
    """Also of what happened before anybody looked, and with what happens now."""
    asks = server.client("query")  # Shared ones may have been idle for too long.

    def counted() -> list[int]:
        return [n or 0 for n in asks.get("/v1/system/history").json()["applied"]]

    wait_until(lambda: sum(counted()) >= 900 and len(counted()) > 10, 20)
    screen = Screen(browser, server.url("query")).open("/system")
    rows = screen.page.locator("figure.history")
    rows.first.wait_for()
    assert rows.count() == 3

    def most() -> float:
        label = rows.nth(0).locator("svg").get_attribute("aria-label")
        return float(label.rpartition("at most ")[2].replace(",", ""))

    assert 900 / 10 <= most() <= sum(counted()) / 5 + 1
    asks.post("/v1/events", [{"user_id": f"h{n}", "event_type": "click",
                                       "page_url": "/h"} for n in range(1000)])
    asks.post("/v1/events", [{"user_id": f"i{n}", "event_type": "click",
                                       "page_url": "/h"} for n in range(1000)])
    wait_until(lambda: most() >= 200, 20, "what happens now appears")
    assert not screen.faults, screen.faults
    screen.close()


def test_the_try_screen_sends_and_sends_again(browser, server):
    screen = Screen(browser, server.url("query")).open("/try")
    page = screen.page
    page.get_by_label("page_url").first.fill("/from-the-screen")
    page.get_by_role("button", name="Send", exact=True).click()
    screen.await_text("accepted")
    query = server.client("query")
    wait_until(lambda: query.get("/v1/stats/page", page_url="/from-the-screen")
               .json()["clicks"] == 1)
    page.get_by_role("button", name="Send the same again").click()
    page.wait_for_timeout(1000)
    assert query.get("/v1/stats/page", page_url="/from-the-screen").json()["clicks"] == 1
    assert not screen.faults
    screen.close()


def test_keys_go_everywhere(browser, server):
    screen = Screen(browser, server.url("query")).open("/")
    for key, path in (("p", "/page"), ("l", "/live"), ("a", "/actors"), ("s", "/system"),
                      ("t", "/try"), ("o", "/")):
        screen.page.keyboard.press("g")
        screen.page.keyboard.press(key)
        screen.page.wait_for_function("p => location.pathname == p", arg=path)
    # Never in a field.
    screen.page.keyboard.press("g")
    screen.page.keyboard.press("t")
    field = screen.page.get_by_label("user_id").first
    field.fill("")
    field.press_sequentially("gogs")
    assert field.input_value() == "gogs"
    assert screen.page.evaluate("location.pathname") == "/try"
    screen.close()


def test_ten_tabs_of_one_browser_are_all_live(browser, server):
    """HTTP/1.1 gives a browser six connections for all its tabs; hidden ones let go of theirs."""
    first = Screen(browser, server.url("query"))
    # Without a window all tabs count as seen: what a browser says to one is said here.
    first.context.add_init_script("""
        let hidden = false;
        Object.defineProperty(document, 'hidden', {get: () => hidden});
        Object.defineProperty(document, 'visibilityState',
                              {get: () => hidden ? 'hidden' : 'visible'});
        window.showTab = seen => {
            hidden = !seen;
            document.dispatchEvent(new Event('visibilitychange'));
        };""")
    tabs = [first.page] + [first.context.new_page() for _ in range(9)]
    for tab in tabs:
        go(tab, server.url("query") + "/page?u=/pricing")
        tab.get_by_text("live", exact=True).first.wait_for(timeout=15_000)
        tab.evaluate("showTab(false)")
    for tab in reversed(tabs):
        tab.evaluate("showTab(true)")
        tab.get_by_text("live", exact=True).first.wait_for(timeout=15_000)
        tab.evaluate("showTab(false)")
    first.close()
