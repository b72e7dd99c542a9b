// TensorBoard event files, by the ops that tf.node.summaryFileWriter runs. Not by that function: it keeps one writer a
// folder until the process ends, which would go on writing to files that a restarted run has removed.
import { cast } from './layoutOps.ts';
import { int32, rawOp, rawOps } from './rawOp.ts';
import { tf } from './tensorflow.ts';

/** An open event file. */
export interface SummaryWriter {
  scalar: (tag: string, value: number, step: number) => void;
  /** Hands what was written so far to the file system. */
  flush: () => void;
  close: () => void;
}

const QUEUE = 1000; // summaries, and
const FLUSH_MILLISECONDS = 600_000; // after which TensorFlow flushes by itself

let writersOpened = 0;

/** Opens a new event file in `folder`, which is made if need be. */
export function openSummaryWriter(folder: string): SummaryWriter {
  const shared_name = { text: `redistill/summaries/${writersOpened++}` };
  const writer = tf.keep(rawOp('SummaryWriter', [], { shared_name, container: { text: '' } }));
  tf.tidy(() => {
    const settings = [tf.scalar(folder), int32(QUEUE), int32(FLUSH_MILLISECONDS), tf.scalar('.v2')];
    rawOps('CreateSummaryFileWriter', [writer, ...settings], {}, 0);
  });
  return {
    scalar: (tag, value, step) =>
      tf.tidy(() => {
        const inputs = [writer, cast(int32(step), 'int64'), tf.scalar(tag), tf.scalar(value)];
        rawOps('WriteScalarSummary', inputs, { T: 'float32' }, 0);
      }),
    flush: () => void rawOps('FlushSummaryWriter', [writer], {}, 0),
    close: () => {
      rawOps('CloseSummaryWriter', [writer], {}, 0);
      writer.dispose();
    },
  };
}
