"""The dashboard behind nginx, configured as docs/security.md says, which gathers answers as nginx
does by default."""
import http.client
import ssl

import pytest

from browser import Screen, chromium
from footfall import PATIENCE, Server
from nginx import PASSWORD, USER, Nginx, documented_server

TRIES = 200
P99_MS = 300

# A click by a person at this page: from the request to the number that it made, painted.
CLICK = """async (tries) => {
    const number = () => document.querySelector('[aria-label="Clicks"] .num')?.textContent;
    const becomes = text => new Promise((done, fail) => {
        const late = setTimeout(() => fail(new Error(`${text} is not there`)), 20000);
        const look = () => {
            if (number() != text) return;
            observer.disconnect();
            clearTimeout(late);
            requestAnimationFrame(done);
        };
        const observer = new MutationObserver(look);
        observer.observe(document.body, {subtree: true, childList: true, characterData: true});
        look();
    });
    const first = Number(number()?.replaceAll(',', '') ?? 0);
    const took = [];
    for (let n = first + 1; n <= first + tries; ++n) {
        const body = JSON.stringify({event_id: `c-${n}`, user_id: 'ada', event_type: 'click',
                                     page_url: '/landing'});
        const began = performance.now();
        const sent = fetch('/v1/events', {method: 'POST', body,
                                          headers: {'Content-Type': 'application/json'}});
        await becomes(String(n));
        took.push(performance.now() - began);
        if (!(await sent).ok) throw new Error(`${(await sent).status}`);
        // Nobody clicks in step with the node.
        await new Promise(done => setTimeout(done, 400 * Math.random()));
    }
    return took;
}"""


@pytest.fixture(scope="module")
def node():
    """On one port over restarts, and told the name that the proxy passes on."""
    with Server("--host", "stats.example.com") as running:
        running.ports["query"] = running.address("query").rsplit(":", 1)[1]
        yield running


@pytest.fixture(scope="module")
def proxy(node, tmp_path_factory):
    with Nginx(tmp_path_factory.mktemp("nginx"), node.address("query")) as running:
        yield running


@pytest.fixture(scope="module")
def browser(proxy):
    with chromium(f"--host-resolver-rules=MAP {proxy.name} 127.0.0.1") as x:
        yield x


@pytest.fixture
def screen(browser, proxy):
    """The screen of a page, live."""
    opened = Screen(browser, proxy.url, ignore_https_errors=True,
                    http_credentials={"username": USER, "password": PASSWORD})
    opened.open("/page?u=/landing")
    yield opened
    opened.close()


def test_nobody_passes_without_a_password(proxy):
    connection = http.client.HTTPSConnection("127.0.0.1", proxy.port, timeout=10,
                                             context=ssl._create_unverified_context())
    connection.request("GET", "/", headers={"Host": proxy.name})
    assert connection.getresponse().status == 401
    connection.close()


def test_clicks_are_on_the_screen_at_once(screen):
    assert "proxy_buffering" not in documented_server()
    took = sorted(screen.page.evaluate(CLICK, TRIES))
    p99 = took[TRIES * 99 // 100 - 1]
    print(f"click to screen behind nginx: p50 {took[TRIES // 2]:.0f} ms, p99 {p99:.0f} ms, "
          f"most {took[-1]:.0f} ms of {TRIES}")
    assert "updates every" not in screen.text()
    assert not screen.faults, screen.faults
    assert p99 < P99_MS * PATIENCE


@pytest.mark.parametrize("who", ["the node", "the proxy"])
def test_a_screen_comes_back_when_what_it_reads_from_does(screen, node, proxy, who):
    screen.page.evaluate("window.opened = 'once'")
    if who == "the node":
        node.kill9()
    else:
        proxy.stop()
    screen.page.get_by_text("stale since").first.wait_for(timeout=12_000 * PATIENCE)
    if who == "the node":
        node.start()
    else:
        proxy.start()
    screen.await_live(30 * PATIENCE)
    assert screen.page.evaluate(CLICK, 3)
    assert screen.page.evaluate("window.opened") == "once"
    assert screen.page.locator(".banner, .stale").count() == 0
