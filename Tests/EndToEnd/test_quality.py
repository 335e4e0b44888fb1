"""Several sizes of a picture: what the publish page sends, and how the watch page's viewer chooses."""

import pytest

import layers
from bridge import Bridge
from pages import LIVE, open_publish, statistics, watch


@pytest.fixture(scope="module")
def bridge():
    with Bridge() as bridge:
        yield bridge


@pytest.fixture(scope="module")
def start_page(bridge, viewer_browser):
    with viewer_browser.open(f"{bridge.base}/") as page:
        page.wait_for("document.readyState === 'complete'", 10)
        yield page


@pytest.fixture(scope="module")
def module(start_page):
    """Calls a function of one of the pages' modules in a browser: `module("encodings", "encodingsFor({...})")`."""
    return lambda name, call: start_page.evaluate(f"import('/assets/{name}.js').then((module) => module.{call})")


SIZES = {  # the picture and its encodings, as (divisor, name)
    (1920, 1080): [(1, "h"), (2, "m"), (4, "l")], (1280, 720): [(1, "h"), (2, "m"), (4, "l")], (720, 1280): [(1, "h"), (2, "m"), (4, "l")],
    (640, 480): [(1, "h"), (2, "m")], (640, 360): [(1, "h"), (2, "m")], (480, 270): [], (160, 120): [],
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_a_picture_is_sent_in_as_many_sizes_as_are_worth_it(module, size):
    picture = f"{{ width: {size[0]}, height: {size[1]} }}"
    found = module("encodings", f"encodingsFor({picture}, '', true)")
    assert [(one["scaleResolutionDownBy"], one["rid"]) for one in found if "rid" in one] == SIZES[size], found
    rates = [one["maxBitrate"] for one in found if "rid" in one]
    assert rates == sorted(rates, reverse=True) and all(rate >= 120_000 for rate in rates), rates
    assert module("encodings", f"encodingsFor({picture}, '', false)") == [{}], "one where the user wants one"
    assert module("encodings", f"encodingsFor({picture}, 'VP9', true)") == [{"scalabilityMode": "L1T3"}]
    assert module("encodings", f"encodingsFor({picture}, 'H265', true)") == [{}]


def layer(rid, bitrate, width=None, height=None, mid="0", spatial_id=0):
    names = ("mid", "rid", "spatial_id", "temporal_id", "bitrate", "width", "height")
    return "{" + ", ".join(
        f"{name}: {'null' if value is None else repr(value)}"
        for name, value in zip(names, (mid, rid, spatial_id, 0, bitrate, width, height))) + "}"


MENUS = {
    "sizes": ([layer("h", 9, 1280, 720), layer("m", 5, 640, 360), layer("l", 2, 320, 180)], ["720p", "360p", "180p"]),
    "portrait": ([layer("h", 9, 720, 1280), layer("l", 2, 360, 640)], ["720p", "360p"]),
    "paused": ([layer("h", 0, 1280, 720), layer("l", 2, 320, 180)], ["180p"]),
    "not yet sent": ([layer("h", 0), layer("l", 0)], ["High", "Medium"]),
    "sizes not yet known": ([layer("l", 2), layer("h", 9)], ["High", "Medium"]),
    "spatial": ([layer(None, 9, 640, 360, spatial_id=1), layer(None, 4, 320, 180)], ["360p", "180p"]),
    "two cameras": ([layer(None, 9, 640, 360), layer(None, 9, 1280, 720, mid="1")], ["360p"]),
}


@pytest.mark.parametrize("name", MENUS)
def test_the_menu_has_each_size_that_is_sent_once(module, name):
    layers, labels = MENUS[name]
    assert [one["label"] for one in module("quality", f"qualities([{', '.join(layers)}])")] == labels


@pytest.mark.parametrize("wanted, label", [(1080, "720p"), (720, "720p"), (719, "360p"), (200, "180p"), (90, "180p")])
def test_what_is_remembered_fits_other_streams_too(module, wanted, label):
    entries = "[720, 360, 180].map((lines) => ({ lines, label: `${lines}p` }))"
    assert module("quality", f"suitable({entries}, {wanted})")["label"] == label


MENU_ALONE = """
(({ QualityMenu }) => {
  const [field, select, asked] = [document.createElement("label"), document.createElement("select"), []];
  const menu = new QualityMenu(field, select, (choice) => asked.push(choice.rid ?? null));
  const layer = (rid, height) => ({ mid: "0", rid, spatial_id: 0, temporal_id: 0, bitrate: 9, width: height && 2 * height, height });
  const choose = (place) => { select.selectedIndex = place; select.dispatchEvent(new Event("change")); };
  const memory = () => localStorage.getItem("viaduct.quality");
  localStorage.clear();
  const facts = [];
  %s
  localStorage.clear();
  return { asked, facts };
})"""


def with_menu(module_page, steps):
    """What a menu of its own asks for and what is noted, while these steps are taken."""
    return module_page.evaluate(f"import('/assets/quality.js').then({MENU_ALONE % steps})")


def test_a_choice_before_the_sizes_are_known_is_remembered_when_they_are(start_page):
    found = with_menu(start_page, """
      menu.show({ layers: [layer("h", null), layer("l", null)] }); choose(2); facts.push(menu.chosen, memory());
      menu.show({ layers: [layer("h", 720), layer("l", 360)] }); facts.push(menu.chosen, memory());
      choose(0); facts.push(menu.chosen, memory());""")
    assert found == {"asked": ["l", None], "facts": ["Medium", None, "360p", "360", None, None]}


def test_a_menu_asks_once_and_again_when_it_was_refused_or_the_session_is_another(start_page):
    found = with_menu(start_page, """
      const both = { layers: [layer("h", 720), layer("l", 360)] };
      menu.show(both); choose(2); menu.show(both); menu.show(both); facts.push(asked.length);
      menu.refused(); menu.show(both); facts.push(asked.length);
      menu.reset(); facts.push(field.hidden); menu.show(both); facts.push(asked.length, field.hidden);
      menu.show({ layers: [layer("h", 720)] }); facts.push(field.hidden, menu.chosen);
      menu.show({ layers: [] }); facts.push(field.hidden);""")
    assert found == {"asked": ["l", "l", "l", None], "facts": [1, 2, True, 3, False, True, None, True]}


def choose(page, place):
    """Chooses an entry of the menu as a user does; 0 is the automatic one."""
    page.evaluate(
        f"((menu) => {{ menu.selectedIndex = {place}; menu.dispatchEvent(new Event('change')); }})(document.getElementById('quality'))")


def width(page):
    return max((entry.get("frameWidth", 0) for entry in statistics(page, "inbound-rtp") if entry["kind"] == "video"), default=0)


MENU = "!document.getElementById('quality-field').hidden && viaduct.quality.labels.filter((label) => label.endsWith('p')).length === 2"
SHOWN = "document.getElementById('video').videoWidth"


def test_a_viewer_chooses_a_size_and_the_browser_remembers_it(bridge, camera_browser, viewer_browser):
    with open_publish(bridge, camera_browser, "sizes", codec="vp8") as camera:
        camera.wait_for(LIVE, 20)
        camera.wait_for("viaduct.figures?.encodings.length === 2", 20)
        assert " · " in camera.evaluate("document.getElementById('encodings').innerText")
        with watch(bridge, viewer_browser, "sizes") as page:
            page.wait_for(LIVE, 15)
            page.wait_for(MENU, 15)
            assert page.evaluate("document.getElementById('quality').selectedOptions[0].text").startswith("Auto")
            large = page.wait_for(f"{SHOWN} > 320 && {SHOWN}", 20)
            choose(page, 2)
            small = page.wait_for(f"{SHOWN} < {large} && {SHOWN}", 15)
            assert small * 2 == pytest.approx(large, abs=4), (small, large)
            assert page.evaluate("viaduct.quality.chosen") == page.evaluate("viaduct.quality.labels[1]")
        with watch(bridge, viewer_browser, "sizes") as page:
            page.wait_for(LIVE, 15)
            page.wait_for(f"viaduct.quality?.chosen && {SHOWN} < {large} && {SHOWN}", 15)
            choose(page, 0)
            page.wait_for(f"viaduct.quality.chosen === null && {SHOWN} > {small}", 20)
            assert page.evaluate("localStorage.getItem('viaduct.quality')") is None


def test_a_viewer_chooses_among_the_layers_of_one_encoding(bridge, camera_browser, viewer_browser):
    scalable = [{"scalabilityMode": "L2T3", "maxBitrate": 1_000_000}]
    with layers.publish(bridge, camera_browser, "av1-layers", "AV1", scalable, 640, 360):
        with watch(bridge, viewer_browser, "av1-layers") as page:
            page.wait_for(LIVE, 15)
            page.wait_for(MENU, 15)
            assert page.evaluate("viaduct.quality.labels") == ["360p", "180p"]
            page.wait_for(f"{SHOWN} === 640", 20)
            for place, width in [(2, 320), (1, 640), (2, 320), (0, 640)]:
                choose(page, place)
                page.wait_for(f"{SHOWN} === {width}", 15)


def test_there_is_no_menu_of_one(bridge, camera_browser, viewer_browser):
    with open_publish(bridge, camera_browser, "one-size", codec="vp8", simulcast="off") as camera:
        camera.wait_for(LIVE, 20)
        with watch(bridge, viewer_browser, "one-size") as page:
            page.wait_for(LIVE, 15)
            page.wait_for("viaduct.quality?.labels.length === 1", 15)
            assert page.evaluate("document.getElementById('quality-field').hidden")
        assert camera.evaluate("document.getElementById('encodings').hidden")
