// Where the rows of tasks come from, and what is said when something is not there.
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { loadTask, loadTasks } from '../../pipeline/eval/prompts/loadTask.ts';
import { taskItems } from '../../pipeline/eval/prompts/taskItems.ts';
import type { Progress } from '../../pipeline/terminal/stageProgress.ts';
import { startHub, type HubServer } from '../hub/hubServer.ts';

const DATA = 'test/golden/eval/data';

t.test('what is missing is named with file and field', async (t) => {
  const file = join(t.testdir({ 'rows.jsonl': '{"question":"q"}\n', 'empty.jsonl': '\n' }), 'rows.jsonl');
  const gsm8k = (files: Record<string, string>) => loadTask('gsm8k', { data: { gsm8k: files } });
  await t.rejects(gsm8k({ test: file }), {
    message: 'eval.yaml: data.gsm8k.train: missing, and gsm8k reads this split; it has test',
  });
  await t.rejects(gsm8k({ train: 'no/such', test: file }), {
    message: 'eval.yaml: data.gsm8k.train = "no/such": no such file',
  });
  await t.rejects(gsm8k({ train: file, test: file }), {
    message: `${file}: row 0: no field answer; the row has question`,
  });
  const winogrande = { validation: `${DATA}/gsm8k_test.jsonl` };
  await t.rejects(loadTask('winogrande', { data: { winogrande }, numFewshot: 0 }), {
    message: /gsm8k_test.jsonl: row 0: no field sentence; the row has question, answer$/,
  });
  await t.rejects(loadTask('mmlu'), { message: /"mmlu": unknown task/ }, 'a group is no task');
  const empty = file.replace('rows', 'empty');
  await t.rejects(loadTask('gsm8k', { data: { gsm8k: { test: empty } }, numFewshot: 0 }), {
    message: `${empty}: holds no rows for gsm8k`,
  });
  const data = { gsm8k: { train: `${DATA}/gsm8k_test.jsonl`, test: `${DATA}/gsm8k_test.jsonl` } };
  await t.rejects(loadTask('gsm8k', { data }), {
    message:
      /gsm8k_test.jsonl: has 3 rows, gsm8k with 5 shots draws 5 of them; give it more rows, or set num_fewshot/,
  });
  t.equal((await loadTask('gsm8k', { data, numFewshot: 3 })).pool.length, 3);
});

/** A Hub with made-up rows of mmlu and ARC, and of MuSR as the Hub converts it. */
async function hub(t: Test): Promise<HubServer> {
  const folder = 'test/golden/eval/hub';
  const server = await startHub({
    repositories: {
      'datasets/cais/mmlu': `${folder}/mmlu`,
      'datasets/allenai/ai2_arc': `${folder}/ai2_arc`,
      'datasets/TAUR-Lab/MuSR': `${folder}/MuSR`,
      'datasets/TAUR-Lab/MuSR@refs/convert/parquet': `${folder}/MuSR-converted`,
    },
  });
  process.env.HF_ENDPOINT = server.url;
  process.env.HF_HUB_CACHE = t.testdir({});
  t.teardown(() => {
    delete process.env.HF_ENDPOINT;
    delete process.env.HF_HUB_CACHE;
    return server.close();
  });
  return server;
}

t.test('rows from the Hub', async (t) => {
  await hub(t);
  const told: string[] = [];
  const names = ['mmlu_anatomy', 'leaderboard_musr_murder_mysteries'];
  const progress: Progress = (line, kind) => kind === 'pace' || told.push(line);
  const [anatomy, musr] = await loadTasks(names, { numFewshot: 1, progress });
  const [row] = anatomy!.docs;
  t.same(row, { question: 'Which?', subject: 'anatomy', choices: ['a', 'b', 'c', 'd'], answer: 2 });
  t.match(anatomy!.sources.test, [/^cais\/mmlu@[0-9a-f]{40} anatomy\/test-00000-of-00001.parquet$/]);
  t.match(musr!.sources.murder_mysteries, [
    /^TAUR-Lab\/MuSR@[0-9a-f]{40} default\/murder_mysteries\/0000.parquet$/,
  ]);
  t.match(taskItems(musr!)[0], { gold: 1, requests: [{ continuation: ' Ann' }, { continuation: ' Bob' }] });
  t.match(told, [
    /^cais\/mmlu: 2 files, /,
    /^cais\/mmlu: /,
    /^TAUR-Lab\/MuSR: 1 file, /,
    /^TAUR-Lab\/MuSR: /,
  ]);
  const arc = taskItems(await loadTask('arc_challenge', { numFewshot: 0 }));
  t.match(arc, [
    { target: '1', choices: ['yes', 'no'] },
    { target: '0', choices: ['no', 'yes'] },
  ]);
});

t.test('splits and datasets that the Hub does not have', async (t) => {
  await hub(t);
  await t.rejects(loadTask('leaderboard_musr_team_allocation'), {
    message: 'TAUR-Lab/MuSR: split = "team_allocation": no such split; it has murder_mysteries',
  });
  await t.rejects(loadTask('hellaswag'), { message: /^Rowan\/hellaswag@main: no such dataset/ });
});

t.test('without the Hub, the cache is read', async (t) => {
  const server = await hub(t);
  const names = ['mmlu_anatomy', 'leaderboard_musr_murder_mysteries'];
  const online = await loadTasks(names, { numFewshot: 1 });
  await server.close();
  t.same(await loadTasks(names, { numFewshot: 1 }), online);
  const other = { message: /^allenai\/ai2_arc@main: .* cannot be reached/ };
  await t.rejects(loadTask('arc_challenge', { numFewshot: 0 }), other, 'what is not in it is missed');
  await t.rejects(loadTask('mmlu_virology'), {
    message: /^cais\/mmlu@refs.convert.parquet: .* cannot be reached/,
  });
});
