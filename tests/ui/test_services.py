"""Each service is taken away under an open dashboard: the widgets that it hurts say so, with the
reason, and all of them come back without a reload."""
import pytest
from playwright.sync_api import Error

from browser import Screen, accessibility_faults
from footfall import PATIENCE, Server, wait_until
from own_services import OwnServices

# For each service: screen and widget that it hurts, and what of the reason must be there.
HURT = {
    "kafka": [("/system", "Parts", "Kafka"), ("/system", "Ledger", "Kafka"),
              ("/system", "Events since the start", "Kafka"),
              ("/live", "Accepted a second", "Kafka"),
              ("/live", "Waiting to be counted", "Kafka")],
    "postgres": [("/system", "Parts", "PostgreSQL"), ("/system", "Ledger", "PostgreSQL"),
                 ("/", "Clicks", "PostgreSQL"), ("/", "Pages", "PostgreSQL"),
                 ("/live", "Last 60 minutes", "PostgreSQL"),
                 ("/live", "Waiting to be counted", "PostgreSQL")],
    "redis": [("/system", "Parts", "redis"), ("/system", "Answers by source", "redis"),
              ("/", "Cache hit rate", "redis")],
}


@pytest.fixture(scope="module")
def own_services(tmp_path_factory):
    with OwnServices(tmp_path_factory.mktemp("services")) as running:
        yield running


@pytest.fixture
def services(own_services):
    """All of them up, whatever the test before left."""
    own_services.run("start")
    return own_services


class Clicks:
    """Sent to a page, and how many of them are certain to count."""

    def __init__(self, server: Server):
        self.server = server
        self.sent = 0

    def send(self) -> None:
        event = {"event_id": f"e-{self.sent}", "user_id": "ada", "event_type": "click",
                 "page_url": "/p"}
        # The same id until it is accepted: it counts once.
        wait_until(lambda: self.server.client("ingest").post("/v1/events", event).status == 200,
                   30, "a click is accepted")
        self.sent += 1


def told(screen: Screen) -> str:
    """What the screen says, without what it offers to choose from."""
    return screen.page.evaluate("""() => [...document.querySelectorAll('main :is(section, .card,'
        + ' .proof, .banner)')].map(x => x.innerText).join('\\n')""")


def await_in(screen: Screen, widget: str, text: str, seconds: float) -> None:
    """Waits until the widget, or the card, has the text."""
    try:
        screen.page.wait_for_function(
            """([widget, text]) => [...document.querySelectorAll('main [aria-label]')].some(x =>
                x.ariaLabel == widget && x.innerText.includes(text))""",
            arg=[widget, text], timeout=seconds * 1000 * PATIENCE)
    except Error as x:
        raise AssertionError(f"{widget} does not say {text}:\n{told(screen)}") from x


# What counts since the start of the node goes on telling what has been.
WELL = """(whole) => document.querySelector('main').innerText.includes(whole)
    && ![...document.querySelectorAll(
        'main :is(.bad, .stale, .trouble, .mismatch, .dim), .banner')].some(x => !x.closest(
            '[aria-label="Accepted to visible"], [aria-label="Events since the start"] dd'))"""


def await_well(screen: Screen, clicks: int) -> None:
    """Waits until nothing is wrong or stale, and all clicks are on the screen."""
    whole = f"✓ {clicks} written = {clicks} applied + 0 waiting"
    try:
        screen.page.wait_for_function(WELL, arg=whole, timeout=40_000 * PATIENCE)
    except Error as x:
        raise AssertionError(f"it is not as before:\n{told(screen)}") from x


@pytest.mark.parametrize("name", HURT)
def test_what_a_service_hurts_says_so_and_comes_back(browser, services, name):
    with Server(environment=services.environment()) as server:
        clicks = Clicks(server)
        clicks.send()
        screens = {path: Screen(browser, server.url("query")).open(path)
                   for path in ("/", "/live", "/system")}
        for screen in screens.values():
            await_well(screen, clicks.sent)
            screen.page.evaluate("window.opened = 'once'")
        services.run("pause", name)
        if name != "kafka":
            clicks.send()  # The log takes it; where the store is away it is counted later.
        try:
            for path, widget, reason in HURT[name]:
                await_in(screens[path], widget, reason, 40)
            for path, screen in screens.items():
                assert "does not add up" not in screen.text(), f"{path}: {told(screen)}"
                assert " 0 written" not in screen.text(), f"{path}: {told(screen)}"
                assert not (faults := accessibility_faults(screen)), f"{path}: {faults}"
        finally:
            services.run("resume", name)
        clicks.send()
        for path, screen in screens.items():
            await_well(screen, clicks.sent)
            assert screen.page.evaluate("window.opened") == "once", f"{path} was loaded again"
            # The browser itself notes answers that fail; nothing else may be there.
            assert [x for x in screen.faults if "Failed to load resource" not in x] == []
            screen.close()
