// Python's text functions against values that CPython 3.11 gave.
import t from 'tap';
import { renderTemplate, textsOf } from '../../pipeline/eval/prompts/docFields.ts';
import { capitalize, parseStringList, strip } from '../../pipeline/eval/prompts/pythonText.ts';

t.test('strip takes what str.isspace holds for white space', (t) => {
  t.equal(strip(' \t\n\x0b\x0c\r\x1c\x1f\x85\xa0\u1680\u2003\u2028\u3000a b\x85 '), 'a b');
  t.equal(strip('\ufeffa\u200b'), '\ufeffa\u200b', 'but neither U+FEFF nor U+200B');
  t.equal(strip(' \n '), '');
  t.end();
});

t.test('capitalize lowers all but the first', (t) => {
  const words = {
    '': '',
    'the MAN McDonald': 'The man mcdonald',
    ßa: 'Ssa',
    ÉCOLE: 'École',
    '1A': '1a',
    ΟΔΟΣ: 'Οδος',
  };
  for (const [word, expected] of Object.entries(words)) t.equal(capitalize(word), expected);
  t.end();
});

t.test('lists as repr writes them', (t) => {
  t.same(
    parseStringList(
      `["Ann O'Hara", 'Joe "Q" Poe', 'It\\'s "both"', 'a\\\\b\\t\\x1f\\u200b\\U0001f600', 'x, y]']`,
    ),
    ["Ann O'Hara", 'Joe "Q" Poe', 'It\'s "both"', 'a\\b\t\x1f\u200b\u{1f600}', 'x, y]'],
  );
  t.same(parseStringList('[]'), []);
  for (const other of ['', 'abc', "['a' 'b']", '[1, 2]', "['a', ['b']]", "{'a'}"])
    t.throws(() => parseStringList(other), { message: /not a Python list of strings/ });
  t.end();
});

t.test('templates fill in fields once, strictly', (t) => {
  const doc = { a: ' x ', b: { c: ['p', '{{a}}'] }, n: 3, none: null, list: [1] };
  t.equal(renderTemplate('{{a}}|{{ a | trim }}|{{b.c.1}}|{{n}}|{{none}}\n', doc), ' x |x|{{a}}|3|None\n');
  t.throws(() => renderTemplate('{{b.d}}', doc), { message: 'no field b.d' });
  t.throws(() => renderTemplate('{{list}}', doc), { message: 'list is neither text nor number' });
  t.throws(() => textsOf(doc, 'list'), { message: 'list is no list of texts' });
  t.end();
});
