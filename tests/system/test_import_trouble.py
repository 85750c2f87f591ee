"""Imports that meet trouble: on the way in, at the end of a file, at the node."""
import pytest

from footfall import Server
from importing import Site, summary


@pytest.fixture(scope="module")
def node():
    with Server() as server:
        yield server


@pytest.fixture
def site(node, request):
    return Site.of_test(node, request)


LINE = '192.0.2.1 - - [10/Oct/2025:13:01:{:02} +0000] "GET /{} HTTP/1.1" 200 1\n'
EVENT = '{{"event_id":"e{0}","user_id":"u","event_type":"click","page_url":"/{0}"}}\n'


def test_one_event_with_a_mark_and_no_newline_counts(site):
    for text in (EVENT.format(1), EVENT.format(2).strip(), EVENT.format(3).replace("\n", "\r")):
        assert summary(site.load("-", stdin="\ufeff" + text))["accepted"] == "1"
    site.holds({"/1": 1, "/2": 1, "/3": 1})


def test_a_last_line_is_the_same_with_and_without_its_line_end(site):
    line = LINE.format(0, "a").strip()
    for text in ("\ufeff" + line, line + "\r", line, line + "\r\n", line + "\n"):
        assert summary(site.load("-", "--final", stdin=text))["accepted"] == "1"
    site.holds({"/a": 1})
