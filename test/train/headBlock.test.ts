// The block of positions that go through the head at once: what `auto` takes, and that it only moves sums by rounding.
import t from 'tap';
import { createStudent, disposeStudent, forgetGradients } from '../../pipeline/train/student.ts';
import { headBlockOf } from '../../pipeline/train/headLoss.ts';
import { largestDifference } from '../real/decoderLogits.ts';
import { backward, gradientOf, loraScene } from './loraScene.ts';

t.test('auto goes by the vocabulary', (t) => {
  const autoOf = (vocabSize: number) => headBlockOf('auto', { vocabSize });
  t.same([49_152, 128_256, 151_936, 300].map(autoOf), [1024, 512, 256, 4096]);
  t.equal(headBlockOf(100, { vocabSize: 151_936 }), 100, 'a number stays what it is');
  t.end();
});

t.test('loss and gradients do not depend on the block', async (t) => {
  const { at, batch } = await loraScene(t);
  const student = await createStudent(at('student'), { dtype: 'float32' });
  const [whole, inBlocks] = [4096, 7].map((headBlock) => {
    const loss = backward(student, batch, { headBlock });
    const gradient = gradientOf(student, 'model.embed_tokens.weight');
    forgetGradients(student);
    return { loss, gradient };
  });
  t.ok(batch.rows.length > 7, `${batch.rows.length} positions`);
  t.ok(Math.abs(whole!.loss / inBlocks!.loss - 1) < 1e-6, `losses ${whole!.loss} and ${inBlocks!.loss}`);
  const difference = largestDifference(whole!.gradient, inBlocks!.gradient);
  const largest = Math.max(...whole!.gradient.map(Math.abs));
  t.ok(difference < 1e-5 * largest, `gradients up to ${largest} differ by ${difference}`);
  disposeStudent(student);
});
