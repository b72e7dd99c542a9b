# Reads HTML from stdin and prints as JSON what the tests ask about it: {"problems": [...], "elements": [[tag, attributes,
# text inside], ...], "text": all text}. A problem is an element left open, a close tag without an open one, or an id twice.
import json
import sys
from html.parser import HTMLParser

VOID = {'meta', 'br', 'link', 'img', 'hr', 'input'}


class Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.problems, self.text, self.ids = [], [], [], '', set()

    def handle_starttag(self, tag, attributes):
        element = [tag, dict(attributes), '']
        self.elements.append(element)
        identity = element[1].get('id')
        if identity in self.ids:
            self.problems.append(f'id {identity} twice')
        if identity is not None:
            self.ids.add(identity)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if self.open and self.open[-1][0] == tag:
            self.open.pop()
        else:
            self.problems.append(f'</{tag}> at {self.getpos()}')

    def handle_data(self, data):
        self.text += data
        for element in self.open:
            element[2] += data


reader = Reader()
reader.feed(sys.stdin.read())
reader.close()
reader.problems += [f'<{tag}> left open' for tag, _, _ in reader.open]
json.dump({'problems': reader.problems, 'elements': reader.elements, 'text': reader.text}, sys.stdout)
