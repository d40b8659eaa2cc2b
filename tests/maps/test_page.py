import json
import re

from maps.page import inert_json, render_page


def test_data_in_a_page_cannot_end_its_element_and_reads_back_unchanged() -> None:
    nasty = {"</script>": ["<!--<script>", "a & b", "\u2028\u2029", "\x00", "'\"`${x}{{ y }}", "技师"]}
    text = inert_json(nasty)
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == nasty


def test_a_page_admits_its_own_code_by_hash_and_nothing_else() -> None:
    html = render_page("itineraries.html.jinja", styles=("itineraries.css",), scripts=("base_map.js",), title="t", subtitle="s", sheets=[])
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)
    assert policy
    assert policy[1].startswith("default-src &#39;none&#39;; script-src &#39;sha256-")
    assert "unsafe" not in policy[1]


def test_text_given_to_a_template_is_escaped() -> None:
    html = render_page("itineraries.html.jinja", styles=(), scripts=(), title="<b>&", subtitle='"', sheets=[])
    assert "<title>&lt;b&gt;&amp;</title>" in html


def test_no_asset_sends_the_browser_elsewhere() -> None:
    html = render_page("itineraries.html.jinja", styles=("page.css",), scripts=("leaflet.js",), title="", subtitle="", sheets=[])
    assert "sourceMappingURL" not in html
