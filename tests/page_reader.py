"""Reads a page as a browser would: its tags, its text, and whatever does not nest."""

from html.parser import HTMLParser

HOSTILE = (
    '</pre></main><script>alert(1)</script><img src="https://evil.example/x.png" onerror="alert(2)">'
    "{{ 7 * 7 }}{% raw %} \u202e reversed \x00 \x1b[31m \ud800"
)
VOID = {"meta", "link", "img", "br", "hr", "input", "source"}


class Reader(HTMLParser):
    """Collects tags with their attributes, the text, and what does not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader
