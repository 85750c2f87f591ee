"""What a screen says while the server is away, and that it comes back by itself."""
import pytest

from browser import Screen, chromium
from footfall import Server


@pytest.fixture(scope="module")
def browser():
    with chromium() as x:
        yield x


def click(server: Server, n: int) -> None:
    assert server.ingest.post("/v1/events", {
        "event_id": f"e-{n}", "user_id": "ada", "event_type": "click",
        "page_url": "/p"}).status == 200


def test_a_screen_says_that_the_server_is_gone_and_comes_back(browser):
    with Server() as server:
        # The same address after each start.
        server.ports["query"] = server.address("query").rsplit(":", 1)[1]
        click(server, 1)
        screen = Screen(browser, server.url("query")).open("/page?u=/p")
        server.kill9()
        screen.page.wait_for_function(
            "() => /away|gone|stale|no answer|cannot reach|not answer/i.test("
            "document.querySelector('header').innerText + document.body.innerText)",
            timeout=12_000)
        server.start()
        click(server, 2)
        screen.await_live(20)
        screen.page.wait_for_function(
            "() => [...document.querySelectorAll('main *')].some("
            "x => x.children.length == 0 && x.textContent.trim() == '2')", timeout=10_000)
        screen.close()


def test_a_server_that_was_never_there_is_said_too(browser):
    with Server() as server:
        screen = Screen(browser, server.url("query")).open("/")
        server.terminate()
        screen.page.wait_for_function(
            "() => !/^live$/m.test(document.querySelector('header').innerText)", timeout=12_000)
        screen.close()
