"""People: signing in and out, what each may see, and the settings, as a browser has them."""
import re

import pytest

from browser import LOOKS, Screen, accessibility_faults, check_looks, go
from footfall import Client, Server, access_of, make_key, run, wait_until

PASSWORD = "a long walk by the sea"
REFUSED = "status of 401"


def add_person(server: Server, name: str, role: str, site: str) -> None:
    done = run("user", "add", name, "--role", role, "--site", site,
               "--data-dir", str(server.data), stdin=PASSWORD + "\n")
    assert done.returncode == 0, done


@pytest.fixture(scope="module")
def server():
    with Server("--auth", "on", start=False) as running:
        done = run("site", "add", "shop", environment=access_of(running))
        assert done.returncode == 0, done
        add_person(running, "ada", "admin", "*")
        add_person(running, "vera", "viewer", "default")
        running.start()
        yield running


def closed(browser, server, path: str, scheme: str = "light", width: int = 1280) -> Screen:
    """A screen that asks who is there."""
    screen = Screen(browser, server.url("query"), width, scheme)
    go(screen.page, server.url("query") + path)
    screen.page.get_by_role("heading", name="Sign in").wait_for()
    return screen


def sign_in(screen: Screen, name: str, password: str = PASSWORD) -> None:
    screen.page.get_by_label("Name", exact=True).fill(name)
    screen.page.get_by_label("Password", exact=True).fill(password)
    screen.page.get_by_role("button", name="Sign in", exact=True).click()


def inside(browser, server, name: str, path: str, scheme: str = "light",
           width: int = 1280) -> Screen:
    screen = closed(browser, server, path, scheme, width)
    sign_in(screen, name)
    screen.await_live()
    return screen


def click(screen: Screen, name: str) -> None:
    screen.page.get_by_role("button", name=name, exact=True).click()


def places(screen: Screen) -> list[str]:
    return screen.page.get_by_role("navigation", name="Screens").inner_text().split()


def test_who_is_wrong_is_told_and_who_is_right_is_where_they_wanted_to_be(browser, server):
    screen = closed(browser, server, "/live")
    assert screen.page.title() == "Sign in · Footfall"
    assert screen.page.get_by_role("navigation").count() == 0
    assert not screen.faults, screen.faults
    sign_in(screen, "ada", "not the password")
    alert = screen.page.get_by_role("alert")
    alert.wait_for()
    assert len(alert.inner_text()) > 10
    # The browser itself notes the answer; nothing else may be there.
    assert [x for x in screen.faults if REFUSED not in x] == []
    screen.faults.clear()
    sign_in(screen, "ada")
    screen.await_live()
    assert screen.page.evaluate("location.pathname") == "/live"
    assert screen.page.title() == "Live · Footfall"
    assert "Settings" in places(screen)
    assert not screen.faults, screen.faults
    # A new tab of the same browser need not ask again.
    tab = screen.context.new_page()
    go(tab, server.url("query") + "/")
    tab.get_by_text("live", exact=True).first.wait_for()
    screen.close()


def test_an_admin_sees_every_screen(browser, server):
    screen = inside(browser, server, "ada", "/")
    for path in ("/", "/page?u=/pricing", "/live", "/actors", "/system", "/try", "/settings"):
        screen.open(path)
        screen.page.wait_for_timeout(1000)
        assert not screen.faults, f"{path}: {screen.faults}"
        assert screen.page.locator(".trouble").count() == 0, path
    screen.close()


def looked_at(screen: Screen, where: str) -> None:
    """As it is, wide and on a phone."""
    for width in (1280, 320):
        screen.page.set_viewport_size({"width": width, "height": 900})
        check_looks(screen, f"{where} {width}")


def test_a_link_is_made_opens_what_it_shows_and_is_taken_back(browser, server):
    clicks = Client(server.address("ingest"), key=make_key(
        server, "--role", "ingest", "--site", "shop"))
    click_on_it = {"user_id": "somebody-private", "event_type": "click", "page_url": "/pricing"}
    wait_until(lambda: clicks.post("/v1/events", click_on_it).status == 200)
    screen = inside(browser, server, "ada", "/settings")
    page = screen.page
    click(screen, "New link")
    page.get_by_role("textbox", name="Name").fill("the press")
    page.get_by_role("combobox", name="Site").select_option("shop")
    assert "all sites" not in page.get_by_role("combobox", name="Site").inner_text()
    looked_at(screen, "a new link")
    click(screen, "Make link")
    link = page.get_by_label("Copy this link now").input_value()
    looked_at(screen, "a link, this once")
    base = re.fullmatch(re.escape(server.url("query")) + r"(/s/[\w-]{22})", link)
    assert base, link
    wait_until(lambda: server.query.get(base[1] + "/v1/session").status == 200)

    for scheme, width in LOOKS:
        seen = Screen(browser, server.url("query"), width, scheme)  # A browser that knows nobody.
        go(seen.page, link)
        seen.await_live()
        assert places(seen) == ["Overview", "Page", "Live"]
        seen.await_text("site shop")
        for path in ("", "/page", "/page?u=/pricing", "/live"):
            go(seen.page, link + path)
            seen.await_live()
            seen.await_text("/pricing")
            check_looks(seen, f"share{path} {width} {scheme}")
            assert "somebody-private" not in seen.page.content()
        go(seen.page, link)
        seen.await_live()
        seen.page.get_by_role("link", name="/pricing").first.click()
        seen.page.get_by_role("heading", name="/pricing").wait_for()
        assert seen.page.evaluate("location.pathname") == base[1] + "/page"
        seen.page.get_by_role("link", name="Overview").first.click()
        seen.page.wait_for_function("x => location.pathname == x", arg=base[1] + "/")
        seen.page.get_by_label("Active users").wait_for()
        assert not seen.faults, seen.faults
        if (scheme, width) != LOOKS[-1]:
            seen.close()
    go(seen.page, link)
    seen.await_live()
    click(screen, "I have it, hide it")
    page.get_by_role("button", name="Take back the press").click()
    looked_at(screen, "whether to take it back")
    click(screen, "Take it back")
    screen.await_text("is taken back.")
    seen.page.get_by_role("heading", name="This link shows nothing.").wait_for()
    go(seen.page, link)
    seen.page.get_by_role("heading", name="This link shows nothing.").wait_for()
    seen.close()
    screen.close()


def test_a_counter_shows_on_any_page_until_it_is_taken_back(browser, server):
    clicks = Client(server.address("ingest"), key=make_key(
        server, "--role", "ingest", "--site", "shop"))
    click_on_it = {"user_id": "ada", "event_type": "click", "page_url": "/counted"}
    wait_until(lambda: clicks.post("/v1/events", click_on_it).status == 200)
    screen = inside(browser, server, "ada", "/settings")
    page = screen.page
    click(screen, "New counter")
    page.get_by_role("textbox", name="Page").fill("/counted*")
    page.get_by_role("combobox", name="Site").select_option("shop")
    assert "all sites" not in page.get_by_role("combobox", name="Site").inner_text()
    looked_at(screen, "a new counter")
    click(screen, "Show counts")
    screen.await_text("Anybody may see the clicks and the number of users of /counted*.")
    screen.await_text("/c/shop/PAGE.svg")
    looked_at(screen, "a counter")
    base = "/c/shop/%2Fcounted"
    wait_until(lambda: server.query.get(base + ".json").status == 200)

    other = browser.new_page()  # Of no origin at all.
    other.set_content(f'<img id="it" src="{server.url("query")}{base}.svg" alt="">')
    other.wait_for_function("() => it.complete && it.naturalWidth > 50 && it.naturalHeight > 15")
    told = other.evaluate("x => fetch(x).then(y => y.json())", server.url("query") + base + ".json")
    assert told["count"] >= 1 and told["visitors"] == 1, told
    other.close()

    page.get_by_role("button", name="Take back /counted*").click()
    looked_at(screen, "whether to take a counter back")
    click(screen, "Take it back")
    screen.await_text("is taken back.")
    wait_until(lambda: server.query.get(base + ".json").status == 404)
    assert not screen.faults, screen.faults
    screen.close()


def test_a_key_is_made_shown_once_used_and_revoked(browser, server):
    screen = inside(browser, server, "ada", "/settings")
    page = screen.page
    click(screen, "New key")
    page.get_by_role("textbox", name="Name").fill("<b>wall</b>")
    page.get_by_role("combobox", name="Site").select_option("shop")
    page.get_by_role("combobox", name="Role").select_option("read")
    click(screen, "Make key")
    key = page.get_by_label("Copy this key now").input_value()
    assert re.fullmatch(r"ff_live_[a-z0-9]+_[\w-]+", key), key
    reader = Client(server.address("query"), key=key)
    wait_until(lambda: reader.get("/v1/stats/summary", range="7d").status == 200)
    click(screen, "I have it, hide it")
    assert key not in page.content()
    page.reload()
    screen.await_text("<b>wall</b>")
    assert key not in page.content()
    page.get_by_role("button", name="Revoke <b>wall</b>").click()
    # The button that does nothing has the focus; Escape is another way back.
    assert page.evaluate("document.activeElement.innerText") == "Keep it"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.innerText") == "Revoke"
    page.keyboard.press("Enter")
    click(screen, "Revoke it")
    screen.await_text("is revoked.")
    wait_until(lambda: reader.get("/v1/stats/summary", range="7d").status == 401)
    assert not screen.faults, screen.faults
    screen.close()


def test_a_site_and_a_person_are_added_and_the_person_is_removed(browser, server):
    screen = inside(browser, server, "ada", "/settings")
    page = screen.page
    click(screen, "Add a site")
    page.get_by_role("textbox", name="Name").fill("blog")
    click(screen, "Add site")
    screen.await_text("Site blog is added.")
    click(screen, "Add a person")
    page.get_by_role("textbox", name="Name").fill("grace")
    page.get_by_role("textbox", name="Password").fill("short")
    page.get_by_role("combobox", name="Site").select_option("blog")
    click(screen, "Add person")
    page.get_by_role("alert").wait_for()
    assert "12" in page.get_by_role("alert").inner_text()
    screen.faults.clear()
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    click(screen, "Add person")
    screen.await_text("grace can sign in now.")
    other = inside(browser, server, "grace", "/")
    click(screen, "Remove grace")
    page.get_by_role("group", name="Remove grace?").get_by_role(
        "button", name="Remove grace").click()
    screen.await_text("grace is removed.")
    # Whoever was signed in is asked again, without a reload, at the address they were at.
    other.page.get_by_role("heading", name="Sign in").wait_for(timeout=30_000)
    assert not screen.faults, screen.faults
    other.close()
    screen.close()


def test_a_viewer_sees_numbers_and_nothing_of_the_node(browser, server):
    screen = inside(browser, server, "vera", "/")
    assert places(screen) == ["Overview", "Page", "Live", "Try"]
    for path in ("/", "/page?u=/pricing", "/live", "/try"):
        screen.open(path)
        screen.page.wait_for_timeout(1000)
        assert screen.page.locator(".trouble").count() == 0, path
        assert not screen.faults, f"{path}: {screen.faults}"
        assert not (faults := accessibility_faults(screen)), f"{path}: {faults}"
    for path in ("/actors", "/actors/3", "/system", "/settings"):
        screen.open(path)
        screen.await_text("only for admins of all sites")
        assert not screen.faults, f"{path}: {screen.faults}"
    screen.close()


def test_signing_out_leaves_nothing_behind(browser, server):
    screen = inside(browser, server, "ada", "/settings")
    screen.await_text("vera")
    click(screen, "Sign out")
    screen.await_text("You are signed out.")
    assert "vera" not in screen.text()
    screen.page.reload()
    screen.page.get_by_role("heading", name="Sign in").wait_for()
    assert "vera" not in screen.text()
    assert [x for x in screen.faults if REFUSED not in x] == []
    screen.close()


@pytest.mark.parametrize("scheme, width", LOOKS)
def test_both_screens_are_whole_and_within_reach(browser, server, scheme, width):
    screen = closed(browser, server, "/settings", scheme, width)
    check_looks(screen, f"sign-in {scheme} {width}")
    sign_in(screen, "ada")
    screen.await_live()
    screen.await_text("vera")
    check_looks(screen, f"settings {scheme} {width}")
    for name in ("Add a site", "New key", "Add a person", "New password for vera"):
        click(screen, name)
    check_looks(screen, f"forms {scheme} {width}")
    click(screen, "Remove vera")
    check_looks(screen, f"question {scheme} {width}")
    screen.close()


def test_a_node_that_asks_nobody_says_so(browser):
    with Server() as server:
        screen = Screen(browser, server.url("query")).open("/settings")
        screen.await_text("asks nobody for a key")
        assert screen.page.get_by_role("button", name="Sign out").count() == 0
        check_looks(screen, "open settings")
        screen.close()
