"""What a browser would find in an HTML page."""

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "wbr"}


class Reader(HTMLParser):
    """Collects the words, the tags with their attributes, and whatever a browser would fetch.

    A space that may not break counts as a plain one.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words, self.tags, self.fetched, self.open = "", [], [], []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.attributes.append((tag, found))
        self.fetched += [v for k, v in found.items() if k in ("src", "href", "xlink:href") and v]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data.replace("\N{NO-BREAK SPACE}", " ")

    @property
    def text(self) -> str:
        """The words, one space between them."""
        return " ".join(self.words.split())

    def assert_whole(self) -> None:
        """Every tag is closed, nothing is fetched, and what scrolls can be reached by keyboard."""
        assert not self.open
        assert all(address.startswith(("data:image/", "#")) for address in self.fetched)
        for tag, found in self.attributes:
            if tag == "pre" or (found.get("class") or "").split()[:1] == ["scroll"]:
                assert found.get("tabindex") == "0" and found.get("role") == "region", tag
                assert found.get("aria-label"), tag
