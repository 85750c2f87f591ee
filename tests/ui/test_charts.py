"""What is fetched late: it shows when it comes, moves nothing, and is missed with a word."""
import pytest

from browser import Screen, accessibility_faults, go
from footfall import Server, wait_until

SCREENS = [("/", "Pages by clicks"), ("/page?u=/pricing", "Users with the most clicks")]
PLOT = "**/assets/plot-*.js"
NOT_FOUND = "Failed to load resource"

# What moved, as the browser itself measures it.
WATCH = """
    window.shifts = [];
    new PerformanceObserver(list => {
        for (const x of list.getEntries())
            shifts.push(...x.sources.map(s => `${x.value} ${s.node?.className}`));
    }).observe({type: 'layout-shift', buffered: true});"""


@pytest.fixture(scope="module")
def server():
    with Server() as running:
        clicks = [{"event_id": f"e-{n}", "user_id": f"u{n % 7}", "event_type": "click",
                   "page_url": "/pricing"} for n in range(60)]
        assert running.ingest.post("/v1/events", clicks).status == 200
        wait_until(lambda: running.query.get("/v1/system").json()["ledger"]["applied"] == 60)
        yield running


def boxes(screen: Screen) -> list:
    """Where each part of the screen stands."""
    return screen.page.evaluate("""() => [...document.querySelectorAll(
        'h2, .chart, .chart-box, .chart figcaption, .proof, .bars li')].map(x => {
            const {left, top, width, height} = x.getBoundingClientRect();
            return [x.tagName, left, top, width, height]; })""")


def drawn(screen: Screen) -> bool:
    """Whether there is a chart with something in it."""
    return screen.page.evaluate("""() => {
        const of = document.querySelector('.chart-box canvas');
        if (!of || !of.width) return false;
        const {data} = of.getContext('2d').getImageData(0, 0, of.width, of.height);
        return data.some(x => x);
    }""")


@pytest.mark.parametrize("width", [320, 768, 1280])
@pytest.mark.parametrize("path, below", SCREENS)
def test_a_late_chart_moves_nothing(browser, server, path, below, width):
    screen = Screen(browser, server.url("query"), width)
    screen.page.add_init_script(WATCH)
    held = []
    screen.page.route(PLOT, lambda route: held.append(route))
    screen.open(path)
    screen.page.locator(".chart-box.skeleton").wait_for()
    screen.page.get_by_role("list", name=below).wait_for()
    assert len(held) == 1
    assert not drawn(screen)
    assert not (faults := accessibility_faults(screen)), faults
    before = boxes(screen)
    screen.page.evaluate("shifts.length = 0")
    held[0].continue_()
    wait_until(lambda: drawn(screen))
    assert screen.page.locator(".skeleton").count() == 0
    assert boxes(screen) == before
    assert screen.page.evaluate("shifts") == []
    assert not screen.faults, screen.faults
    screen.close()


def test_a_missing_chart_is_said_and_the_rest_stays(browser, server):
    screen = Screen(browser, server.url("query"))
    screen.page.route(PLOT, lambda route: route.fulfill(status=404))
    screen.open("/")
    screen.await_text("This chart could not be fetched.")
    assert screen.page.locator(".card .num", has_text="60").count() >= 1
    screen.page.get_by_role("list", name="Pages by clicks").wait_for()
    assert not (faults := accessibility_faults(screen)), faults
    assert [x for x in screen.faults if NOT_FOUND not in x] == []
    screen.page.unroute(PLOT)
    screen.page.get_by_role("button", name="Try again").click()
    wait_until(lambda: drawn(screen))
    assert "could not be fetched" not in screen.text()
    screen.close()


@pytest.mark.parametrize("path, part", [("/", "overview"), ("/system", "system")])
def test_a_missing_screen_is_said_and_fetched_again(browser, server, path, part):
    screen = Screen(browser, server.url("query"))
    pattern = f"**/assets/{part}-*.js"
    screen.page.route(pattern, lambda route: route.fulfill(status=404))
    go(screen.page, server.url("query") + path)
    screen.await_text("This screen could not be fetched.")
    assert not (faults := accessibility_faults(screen)), faults
    screen.page.unroute(pattern)
    screen.page.get_by_role("button", name="Try again").click()
    screen.await_live()
    assert [x for x in screen.faults if NOT_FOUND not in x] == []
    screen.close()


def test_the_cursor_of_a_chart_goes_by_keys_and_is_told(browser, server):
    screen = Screen(browser, server.url("query")).open("/")
    chart = screen.page.get_by_role("slider", name="Clicks over time")
    wait_until(lambda: drawn(screen))
    last = int(chart.get_attribute("aria-valuemax"))
    chart.press("ArrowLeft")
    assert chart.get_attribute("aria-valuenow") == str(last - 1)
    line = screen.page.locator(".u-cursor-x")
    assert line.evaluate("x => getComputedStyle(x).borderRightStyle") == "solid"
    told = chart.get_attribute("aria-valuetext")
    assert told and told in screen.page.locator(".chart-point").inner_text()
    assert not screen.faults, screen.faults
    screen.close()


def test_what_fails_is_not_said_before_it_was_tried_for_who_looks(browser, server):
    """A screen is fetched while it is asked who is there; that it failed is said once."""
    screen = Screen(browser, server.url("query"))
    screen.page.add_init_script("""
        window.said = 0;
        const seen = () => !!document.querySelector('.trouble');
        let before = false;
        new MutationObserver(() => {
            if (seen() && !before) ++said;
            before = seen();
        }).observe(document, {subtree: true, childList: true});""")
    screen.page.route("**/assets/overview-*.js", lambda route: route.fulfill(status=404))
    held = []
    screen.page.route("**/v1/session", lambda route: held.append(route))
    go(screen.page, server.url("query") + "/")
    wait_until(lambda: (screen.page.wait_for_timeout(50), len(held))[1] == 1)
    screen.page.wait_for_timeout(500)  # The first try has failed by then.
    held[0].continue_()
    screen.await_text("This screen could not be fetched.")
    screen.page.wait_for_timeout(500)
    assert screen.page.evaluate("said") == 1
    screen.close()
