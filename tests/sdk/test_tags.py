"""The recorder that snippets load from the host, in a browser: what is queued, called, left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from live import Server, built, rows
from shop import KEY, Pages, eventually, leave, profile, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser

STUB = """\
function stub(global, methods, after) {
  methods.forEach(m => { global[m] = (...args) => global.push([m, ...args, ...after]) })
}
function load(path, attributes) {
  const tag = document.createElement("script")
  tag.async = true
  tag.src = HOST + path
  Object.entries(attributes || {}).forEach(([k, v]) => tag.setAttribute(k, v))
  document.head.append(tag)
}
const METHODS = ["page", "identify", "track", "group", "alias", "reset"]
const PAGE = [{ __t: "bpc", p: location.pathname, u: location.href }]
"""
TAGS = {
    "segment": """\
window.analytics = []
stub(analytics, METHODS, PAGE)
load("/analytics.js/v1/" + KEY + "/analytics.min.js")
analytics.page()
window.seen = () => analytics.track("Product Viewed", { product_id: "p1" })
window.told = id => analytics.identify(id, { email: id + "@b.co", firstName: "Ann" })
""",
    "customerio": """\
window.cioanalytics = []
stub(cioanalytics, METHODS, PAGE)
load("/v1/analytics-js/snippet/" + KEY + "/analytics.min.js")
cioanalytics.page()
window.seen = () => cioanalytics.track("Product Viewed", { product_id: "p1" })
window.told = id => cioanalytics.identify(id, { email: id + "@b.co", firstName: "Ann" })
""",
    "customerio-track": """\
window._cio = []
stub(_cio, ["identify", "track", "page"], [])
load("/assets/track.js", { id: "cio-tracker", "data-site-id": KEY })
_cio.page("/home")
window.seen = () => _cio.track("Product Viewed", { product_id: "p1" })
window.told = id => _cio.identify({ id, email: id + "@b.co", first_name: "Ann" })
""",
    "rudderstack": """\
window.rudderanalytics = []
stub(rudderanalytics, ["load", ...METHODS], [])
rudderanalytics.load(KEY, HOST, {})
load("/v3/modern/rsa.min.js")
rudderanalytics.page()
window.seen = () => rudderanalytics.track("Product Viewed", { product_id: "p1" })
window.told = id => rudderanalytics.identify(id, { email: id + "@b.co", firstName: "Ann" })
""",
    "jitsu": """\
window.jitsuQ = []
load("/p.js", { "data-write-key": KEY + ":any" })
window.seen = () => jitsuQ.push(j => j.track("Product Viewed", { product_id: "p1" }))
window.told = id => jitsuQ.push(["identify", id, { email: id + "@b.co", firstName: "Ann" }])
""",
    "posthog": """\
window.posthog = []
posthog._i = []
posthog.people = []
posthog.init = (key, config, name) => posthog._i.push([key, config, name])
stub(posthog, ["capture", "identify", "reset"], [])
posthog.init(KEY, { api_host: HOST })
load("/static/array.js", { crossorigin: "anonymous" })
window.seen = () => posthog.capture("Product Viewed", { product_id: "p1" })
window.told = id => posthog.identify(id, { email: id + "@b.co", first_name: "Ann" })
""",
}
"""For each snippet what it does: a global with a queue, and a script from the host."""


def test_each_snippet(server: Server, browser: Browser, pages: Pages) -> None:
    # what a tag of "id:secret" sends is read by its id, as everywhere
    for name, code in TAGS.items():
        start = f"const HOST = '{server.url}', KEY = '{KEY}'\n{STUB}{code}"
        address = pages.add(f"{start}seen(); told('{name}')".encode())
        user = {"user_id": name}

        def known(views: int, count: int, user: dict[str, str] = user) -> bool:
            found = profile(server, **user)
            return (found.get("views"), found.get("pages")) == (views, count)

        with visiting(browser) as page:
            page.goto(address)
            eventually(lambda: known(1, 1), f"{name}: what was queued has not come")
            page.evaluate("() => seen()")
            eventually(lambda: known(2, 1), f"{name}: what was called later has not come")
            pages.add(start.encode())
            page.goto(address)
            eventually(lambda: known(2, 2), f"{name}: the second page has not come")
            leave(page, "seen")
            eventually(lambda: known(3, 2), f"{name}: of a page that was left nothing has come")
        told = profile(server, **user)
        assert (told["email"], told["first_name"]) == (f"{name}@b.co", "Ann"), name
    assert 'path="OPTIONS"' not in server.http.get("/metrics").text
    assert built(server.root)["quarantined"] == 0
    assert rows(server.root, "select count(*) from people") == [(len(TAGS),)]
    titles = "select distinct json_extract_string(context, '$.page.path') from events"
    assert rows(server.root, titles) == [("/",)]


def test_a_host_that_is_away_loses_nothing(server: Server, browser: Browser, pages: Pages) -> None:
    code = f"const HOST = '{server.url}', KEY = '{KEY}'\n{STUB}{TAGS['segment']}"
    with visiting(browser) as page:
        page.goto(pages.add(code.encode()))
        page.wait_for_function("() => analytics.initialized")
        page.route("**/v1/b", lambda route: route.abort())
        page.evaluate("() => { told('away'); seen(); seen() }")
        page.wait_for_timeout(300)
        assert profile(server, user_id="away") == {}
        page.unroute("**/v1/b")
        page.goto(pages.add(code.encode()))
        eventually(
            lambda: profile(server, user_id="away").get("views") == 2, "what was kept has not come"
        )
