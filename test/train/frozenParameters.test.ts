// Frozen modules: no state, no place on the tape and no change, while the others' gradients are what they would be; and
// what is said of globs and adapters that cannot be.
import t from 'tap';
import { linears, type DenseWeight } from '../../pipeline/engine/linear.ts';
import { record } from '../../pipeline/engine/tape.ts';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { validate } from '../../pipeline/config/loadConfig.ts';
import { readModelConfig } from '../../pipeline/model/modelConfig.ts';
import { openCheckpoint } from '../../pipeline/model/checkpoint.ts';
import { frozenParameters } from '../../pipeline/train/frozenParameters.ts';
import { adaptedProjections, loraConfig } from '../../pipeline/train/lora.ts';
import { applyUpdate, createStudent, disposeStudent } from '../../pipeline/train/student.ts';
import { trainConfig } from '../../pipeline/train/trainConfig.ts';
import { trainStudent } from '../../pipeline/train/trainStudent.ts';
import { makeTinyModel } from '../tinyModel.ts';
import { backward, gradientOf, loraScene } from './loraScene.ts';

const FREEZE = ['embedding', 'k_proj', 'model.layers.0.*', 'norm'];
const LORA = loraConfig.parse({ rank: 4, alpha: 8 });

t.test(
  'gradients of what is trained are as without frozen modules, in one product of three too',
  async (t) => {
    const { at, batch } = await loraScene(t);
    for (const recompute of [false, true]) {
      const all = await createStudent(at('student'), { dtype: 'float32' });
      const some = await createStudent(at('student'), { dtype: 'float32', freeze: FREEZE });
      t.equal(some.parameters.size, 10, 'of layer 1 all but the keys: 6 matrices, 2 biases, 2 norms');
      t.equal(backward(some, batch, { recompute }), backward(all, batch, { recompute }));
      for (const name of some.parameters.keys())
        t.strictSame(gradientOf(some, name), gradientOf(all, name), `recompute ${recompute}: ${name}`);
      [all, some].forEach(disposeStudent);
    }
  },
);

t.test('a frozen matrix is not on the tape and keeps nothing for it', (t) => {
  const weight = (trainable: boolean): DenseWeight => ({ kind: 'dense', values: tf.ones([2, 3]), trainable });
  const [frozen, other, trained] = [weight(false), weight(false), weight(true)];
  tf.tidy(() => {
    const x = tf.ones([4, 3]);
    const alone = record(() => linears(x, [{ weight: frozen }, { weight: other }])).tape.nodes;
    t.match(alone, [{ inputs: [x.id], saved: [] }]);
    const mixed = record(() => linears(x, [{ weight: frozen }, { weight: trained }])).tape.nodes;
    t.same(mixed[0]!.inputs, [x.id, trained.values.id]);
    tf.dispose(mixed[0]!.saved);
  });
  tf.dispose([frozen, other, trained].map(({ values }) => values));
  t.end();
});

t.test('a frozen head and embedding leave a run as they came, to the last bit', async (t) => {
  const { at, folders } = await loraScene(t);
  const config = trainConfig.parse({ freeze: ['head'], learning_rate: 1e-2, batch_tokens: 100 });
  await trainStudent(config, folders('run'));
  const [before, after] = [await openCheckpoint(at('student')), await openCheckpoint(at('run/model'))];
  for (const name of before.names()) {
    const [was, is] = [await before.read(name), await after.read(name)];
    t.equal(Buffer.from(was.data).equals(is.data), name === 'model.embed_tokens.weight', name);
  }
  await Promise.all([before.close(), after.close()]);
});

t.test('a frozen student leaks nothing', async (t) => {
  const { at, batch } = await loraScene(t);
  const before = tf.memory().numTensors;
  const student = await createStudent(at('student'), { dtype: 'bfloat16', freeze: FREEZE });
  for (const step of [1, 2]) {
    backward(student, batch, { recompute: step === 2 });
    const adam = { learningRate: 1e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1 };
    applyUpdate(student, { ...adam, maxGradNorm: 1, step });
  }
  disposeStudent(student);
  t.equal(tf.memory().numTensors, before);
});

t.test('words and globs', async (t) => {
  const folder = t.testdir();
  await makeTinyModel(`${folder}/tied`);
  await makeTinyModel(`${folder}/untied`, { tied: false });
  const [tied, untied] = [await readModelConfig(`${folder}/tied`), await readModelConfig(`${folder}/untied`)];
  const frozen = (config: typeof tied, ...freeze: string[]) => [...frozenParameters(config, { freeze })];
  t.same(frozen(tied, 'head'), ['model.embed_tokens.weight']);
  t.same(frozen(tied, 'embedding'), ['model.embed_tokens.weight']);
  t.same(frozen(untied, 'head'), ['lm_head.weight']);
  t.same(frozen(untied, 'embedding'), ['model.embed_tokens.weight']);
  t.same(
    frozen(tied, 'v_proj'),
    [0, 1].map((i) => `model.layers.${i}.self_attn.v_proj.weight`),
  );
  t.equal(frozen(tied, 'model.layers.1.*').length, 9);
  t.same(frozen(tied), []);
  const targets = (...globs: string[]) => adaptedProjections(tied, { ...LORA, targets: globs }).size;
  t.same(
    [targets('q_proj'), targets('model.layers.1.*'), targets('*_proj'), targets('mlp.*')],
    [2, 7, 14, 6],
  );
  t.equal(targets(...LORA.targets), 14);
});

t.test('what cannot be is said in one line', async (t) => {
  const folder = t.testdir();
  await makeTinyModel(folder);
  const config = await readModelConfig(folder);
  const create = (options: object) => createStudent(folder, { dtype: 'float32', ...options });
  const complaints: [object, RegExp][] = [
    [{ freeze: ['embeding'] }, /^train.yaml: freeze = "embeding": .* student; known modules: embed_tokens, /],
    [{ freeze: ['*'] }, /^train.yaml: freeze = \["\*"\]: nothing is left to train; freeze less$/],
    [{ freeze: ['head'], lora: LORA }, /^train.yaml: freeze = \["head"\]: with lora all .* frozen already;/],
    [
      { lora: { ...LORA, targets: ['q_prj'] } },
      /^train.yaml: lora.targets = "q_prj": matches no module of the student; did you mean "q_proj"\?$/,
    ],
    [
      { lora: { ...LORA, targets: ['model.layers.7.*'] } },
      /no module of the student; known modules: q_proj, k/,
    ],
  ];
  const before = tf.memory().numTensors;
  for (const [options, message] of complaints)
    await t.rejects(create(options), { name: 'UserError', message });
  t.equal(tf.memory().numTensors, before, 'and nothing was loaded');
  t.equal(config.tieWordEmbeddings, true);
  const parsing = (lora: object) => () => validate(trainConfig, { lora }, () => 'train.yaml');
  t.throws(parsing({ rank: 8 }), { name: 'UserError', message: 'train.yaml: lora.alpha: missing' });
  t.throws(parsing({ rank: 0, alpha: 8 }), { message: /^train.yaml: lora.rank = 0: / });
  t.throws(parsing({ rank: 8, alpha: 8, dropout: 1 }), { message: /^train.yaml: lora.dropout = 1: / });
  t.throws(parsing({ rank: 8, alpha: 8, target: [] }), { message: /unknown key; did you mean "targets"\?$/ });
});
