// The memory of a freed tensor serves the next one: with glibc's own settings each output of 64 MB would be mapped anew
// and page faults taken for all of it (native/keptHeap.cc).
import t from 'tap';
import { hasFusedKernels } from '../../pipeline/engine/fusedKernels.ts';
import { tf } from '../../pipeline/engine/tensorflow.ts';

const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
const settings = Object.keys(process.env).filter((name) => /^(MALLOC_|GLIBC_TUNABLES)/.test(name));
const skip =
  (!header.glibcVersionRuntime && 'needs glibc') ||
  (!hasFusedKernels() && "needs the project's own binding") ||
  (settings.length > 0 && `${settings.join(', ')} is set`);

t.test('outputs of an op soon take no new memory', { skip }, (t) => {
  const values = tf.ones([4096, 4096]);
  const add = () => {
    for (let i = 0; i < 30; i++) tf.tidy(() => void tf.add(values, values));
  };
  add(); // a freed block may be a little too short at first, as something small was put into it
  const before = process.resourceUsage().minorPageFault;
  add();
  const faults = process.resourceUsage().minorPageFault - before;
  t.ok(faults < (30 * 16_384) / 2, `${faults} page faults for 30 outputs of 16,384 pages`);
  values.dispose();
  t.end();
});
