"""Facts as HTML and as Markdown: every kind of block is there, and nothing escapes its place."""

from pose_activity.training.report_page import facts, html, text
from pose_activity.training.report_page.images import Tile
from tests.html_reader import Reader

EVIL = '<script>alert("x")</script>&_"\'|'


def _html(value: facts.Facts) -> Reader:
    reader = Reader(html.render(value))
    reader.assert_whole()
    return reader


def all_blocks(words: str) -> list[facts.Block]:
    """One of each kind, with the same words wherever there may be some."""
    columns = [
        facts.Column(words),
        facts.Column(words, "name", keyed=True),
        facts.Column("count", "count"),
        facts.Column("share", "share"),
        facts.Column("figure", "figure"),
        facts.Column(form="bars"),
        facts.Column("times", "times"),
    ]
    rows = [
        (words, words, 3, 0.25, 0.125, [0.5, 0.25], (words, 2)),
        (words, words, "not checked", 0.0, 0.0, [], ("", 0)),
    ]
    tiles = [Tile(None, words, (words,), words), Tile("data:image/x", words, (), words)]
    return [
        facts.Prose(f"`{words}` {words}", "strong"),
        facts.Heading(words),
        facts.Table(words, columns, rows, sortable=True, summary=words),
        facts.Cards([(words, 0.5), (words, 1.0)]),
        facts.Charts(["<svg><g></g></svg>"]),
        facts.Sheet(words, "data:image/x", words),
        facts.Tiles(tiles, "strip"),
        facts.Matrix([words, "b"], [(0, 1, 3, 0.75)]),
        facts.Code(words, f"{words}\nsecond line", summary=words),
        facts.SideBySide([[facts.Prose("left")], [facts.pairs("p", [("right", "one")])]]),
    ]


def test_every_block_is_shown_and_escaped() -> None:
    blocks = all_blocks(EVIL)
    assert {block.kind for block in blocks} == {kind.kind for kind in facts.Block.__args__}
    section = facts.Section("all", EVIL, EVIL, blocks)
    found = _html(facts.Facts(EVIL, EVIL, [section]))
    assert found.tags.count("script") == 1, "the page's own"
    assert found.tags.count("svg") == 2 and found.tags.count("img") == 2
    for words in (
        EVIL,
        "25.0 %",
        "0.12",
        "not checked",
        "×2",
        "the picture cannot be read",
        "right",
    ):
        assert words in found.words, words
    assert f"{EVIL} taken for b: 3 (75.0 %)" in found.words


def test_a_page_links_to_each_section() -> None:
    sections = [facts.Section(name, name, name, []) for name in ("one", "two")]
    found = _html(facts.Facts("run", "model", sections))
    assert found.fetched == ["#one", "#two"]
    ids = [attributes["id"] for _, attributes in found.attributes if "id" in attributes]
    assert ids == ["one", "two"]


def test_the_same_facts_as_markdown() -> None:
    columns = [facts.Column("name"), facts.Column("share", "share"), facts.Column(form="bars")]
    table = facts.Table("t", [*columns, facts.Column("as", "times")], [("a|b", 0.5, [1], ("c", 2))])
    blocks = [
        facts.Prose("Some `code`."),
        facts.Heading("Inner"),
        facts.Code("Command", "one\ntwo"),
        facts.SideBySide([[table], [facts.Cards([("accuracy", 0.25)])]]),
        facts.Charts(["<svg></svg>"]),
    ]
    assert text.write_sections([facts.Section("x", "X", "Title", blocks)]) == (
        "## Title\n\nSome `code`.\n\n### Inner\n\n    one\n    two\n\n"
        "| name | share | as |\n| --- | --- | --- |\n| a\\|b | 50.0 % | c (2) |\n\n"
        "| figure | value |\n| --- | --- |\n| accuracy | 0.2500 |\n"
    )
