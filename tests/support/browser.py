"""Chromium with the dashboard of a server in it, and an eye on what must never happen there."""
import contextlib
import shutil
import subprocess
from typing import Any, Iterator

from playwright.sync_api import Browser, Error, Page, sync_playwright

from footfall import ROOT

AXE = ROOT / "build/ui/node_modules/axe-core/axe.min.js"

# What every screen is looked at with: colours, and pixels across.
LOOKS = [("light", 1280), ("dark", 1280), ("light", 768), ("light", 320)]

# What of a screen cannot be read: it stands outside, or its box is too small. Boxes that scroll
# take the focus; of a name that is cut off the whole stands in a title.
CUT = """() => {
    const found = [];
    const told = (x, why) => found.push(
        `${why}: <${x.tagName} class="${x.className}"> ${x.textContent.slice(0, 60)}`);
    const needed = select => {
        const alike = select.cloneNode(false);
        alike.append(select.selectedOptions[0].cloneNode(true));
        Object.assign(alike.style, {position: 'absolute', width: 'auto', maxWidth: 'none'});
        select.after(alike);
        const {width} = alike.getBoundingClientRect();
        alike.remove();
        return width;
    };
    for (const x of document.querySelectorAll('body *')) {
        if (!x.checkVisibility() || x.closest('.sr, .skip, svg, option, datalist')) continue;
        const box = x.getBoundingClientRect();
        const {overflowX, overflowY} = getComputedStyle(x);
        const scrolls = x.closest('[tabindex="0"], input, textarea');
        if (!scrolls && (box.right > innerWidth + 1 || box.left < -1)) told(x, 'outside');
        const cut = (overflowX != 'visible' && x.scrollWidth > x.clientWidth + 1)
            || (overflowY != 'visible' && x.scrollHeight > x.clientHeight + 1);
        if (cut && !scrolls && !x.closest('[title]')) told(x, 'cut');
        // A list to choose from has its whole text in the list; a phone is too narrow for it.
        if (x.tagName == 'SELECT' && innerWidth > 640 && needed(x) > box.width + 1)
            told(x.selectedOptions[0], 'cut');
    }
    return found;
}"""


@contextlib.contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "chromium is missing: scripts/install test brings it"
    with sync_playwright() as play:
        # Tests run as root, where Chromium's sandbox cannot; the pages are our own.
        browser = play.chromium.launch(executable_path=program,
                                       args=["--no-sandbox", *arguments])
        try:
            yield browser
        finally:
            browser.close()


def go(page: Page, url: str) -> None:
    """Opens it. Chromium gives up what it loads when an interface of the machine comes or goes,
    which other tests' namespaces do: then once more."""
    for _ in range(5):
        try:
            page.goto(url)
            return
        except Error as x:
            if "ERR_NETWORK_CHANGED" not in str(x):
                raise
    page.goto(url)


class Screen:
    """One page of the browser. Console errors, uncaught ones and reports of the content
    security policy gather in `faults`."""

    def __init__(self, browser: Browser, url: str, width: int = 1280, scheme: str = "light",
                 **context: Any):
        """`context`: more of what Playwright's contexts take."""
        # Axe is put in by the test, which the policy of the page would not let in; what breaks
        # the policy is reported all the same.
        self.context = browser.new_context(viewport={"width": width, "height": 900},
                                           color_scheme=scheme, **context)
        self.page: Page = self.context.new_page()
        self.url = url
        self.faults: list[str] = []
        self.page.on("pageerror", lambda x: self.faults.append(f"uncaught: {x}"))
        self.page.on("console", self._heard)
        self.page.add_init_script(
            "addEventListener('securitypolicyviolation', x => console.error("
            "`policy: ${x.violatedDirective} ${x.blockedURI} ${x.sample}`))")

    def _heard(self, message) -> None:
        if message.type == "error":
            self.faults.append(message.text)

    def open(self, path: str) -> "Screen":
        go(self.page, self.url + path)
        self.await_live()
        return self

    def await_live(self, seconds: float = 15) -> None:
        self.page.get_by_text("live", exact=True).first.wait_for(timeout=seconds * 1000)

    def text(self) -> str:
        return self.page.inner_text("body")

    def await_text(self, text: str, seconds: float = 10) -> None:
        self.page.wait_for_function("x => document.body.innerText.includes(x)", arg=text,
                                    timeout=seconds * 1000)

    def close(self) -> None:
        self.context.close()


def tools() -> None:
    """axe and the like, once."""
    subprocess.run([ROOT / "scripts/ui", "--tools"], check=True)


def accessibility_faults(screen: Screen) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA and good practice."""
    found = screen.page.evaluate(AXE.read_text() + """;
        axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa',
                                     'best-practice']})""")
    return [f"{x['id']}: {x['help']}: {x['nodes'][0]['html'][:200]}" for x in found["violations"]]


def check_looks(screen: Screen, where: str) -> None:
    """Nothing broke, nothing is out of reach, nothing is cut."""
    width = screen.page.viewport_size["width"]
    assert not screen.faults, f"{where}: {screen.faults}"
    wide = screen.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, f"{where}: scrolls sideways, {wide} px"
    assert not (cut := screen.page.evaluate(CUT)), f"{where}: {cut}"
    assert not (faults := accessibility_faults(screen)), f"{where}: {faults}"
