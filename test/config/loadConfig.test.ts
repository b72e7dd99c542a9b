// Flags over a YAML file: how their text is read, and where a mistake is said to be.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { z } from 'zod';
import { loadConfig } from '../../pipeline/config/loadConfig.ts';

const schema = z.strictObject({
  rate: z.number().default(1),
  names: z.array(z.string()).default(['a']),
  sizes: z.array(z.number()).optional(),
});

t.test('flags are read as YAML and come before the file', async (t) => {
  const file = join(t.testdir(), 'x.yaml');
  writeFileSync(file, 'rate: 2\nnames: [b]\n');
  const load = (overrides: Record<string, string>) => loadConfig(schema, { file, overrides });
  t.same(await load({}), { rate: 2, names: ['b'] });
  t.same(await load({ rate: '5e-5' }), { rate: 5e-5, names: ['b'] });
  t.same((await load({ names: '[c, d]' })).names, ['c', 'd']);
  t.same((await load({ names: 'c,d' })).names, ['c', 'd'], 'a list without brackets');
  t.same((await load({ names: 'c', sizes: '1,2.5' })).sizes, [1, 2.5]);
  await t.rejects(load({ sizes: '1,x' }), { name: 'UserError', message: /^--sizes: sizes\.1 = "x": / });
  writeFileSync(file, 'rat: 2\n');
  await t.rejects(load({}), { message: /x\.yaml: rat: unknown key; did you mean "rate"\?$/ });
});

t.test('a check of several keys names the value of the one it blames', async (t) => {
  const file = join(t.testdir({ 'x.yaml': 'least: 3\nmost: 2\n' }), 'x.yaml');
  const range = z
    .strictObject({ least: z.number(), most: z.number() })
    .refine(({ least, most }) => least <= most, { path: ['least'], error: 'must not exceed most' });
  await t.rejects(loadConfig(range, { file }), { message: /x\.yaml: least = 3: must not exceed most$/ });
});

t.test('of several forms the one that was meant is complained about', async (t) => {
  const form = z.union([
    z.string(),
    z.strictObject({ messages: z.string(), system: z.string().optional() }),
    z.strictObject({
      prompt: z.string(),
      response: z.string(),
      deep: z.union([z.string(), z.strictObject({ a: z.int() })]).optional(),
    }),
  ]);
  const complaint = (columns: string) => {
    const file = join(t.testdir({ 'x.yaml': `columns: ${columns}\n` }), 'x.yaml');
    return loadConfig(z.strictObject({ columns: form }), { file }).then(
      () => 'none',
      (error: unknown) => (error as Error).message.replace(/^.*x\.yaml: /, ''),
    );
  };
  for (const [columns, said] of [
    ['{ prompt: q, respons: a }', 'columns.respons: unknown key; did you mean "response"?'],
    ['{ mesages: m, system: s }', 'columns.mesages: unknown key; did you mean "messages"?'],
    ['{ prompt: q }', 'columns.response: missing'],
    ['{ prompt: q, response: 3 }', /^columns\.response = 3: expected string/],
    ['{ prompt: q, response: a, deep: { b: 1 } }', /^columns\.deep\.b: unknown key/],
    ['{ prompt: q, response: a, deep: { a: x } }', /^columns\.deep\.a = "x": expected number/],
    ['[q, a]', /^columns = \["q","a"\]: /],
  ] as const)
    t.match(await complaint(columns), said);
});
