// The library: what the stages are made of, for scripts of one's own. `import { openLogits } from 'redistill'`.
// Models and tensors live in TensorFlow's memory and are freed by hand (`disposeDecoder`, `tf.tidy`); everything else is
// plain objects and typed arrays. Functions throw a UserError, one line that says what to do, for input they can't use.
export { UserError } from './config/userError.ts';
export { tf, type Tensor } from './engine/tensorflow.ts';

export { fetchSnapshot, type HubRepository, type HubSnapshot } from './hub/hubSnapshot.ts';
export { fetchSources } from './hub/fetchSources.ts';

export { makeMix } from './mix/makeMix.ts';
export { mixConfig, type MixConfig } from './mix/mixConfig.ts';
export { readMix, type Sample } from './mix/tokensArrow.ts';
export { targetPositions } from './mix/batches.ts';
export { loadTokenizer, type ChatTokenizer } from './mix/tokenizer.ts';
export type { ChatMessage } from './mix/chatTemplate.ts';

export { logits, hiddenStates, batchShape, logitsOf, type Decoder } from './model/decoder.ts';
export { disposeDecoder, loadDecoder } from './model/loadDecoder.ts';
export { openCheckpoint, type Checkpoint } from './model/checkpoint.ts';

export { makeTeacher } from './teacher/makeTeacher.ts';
export { teacherConfig, type TeacherConfig } from './teacher/teacherConfig.ts';
export { quantizeHqq, type HqqOptions } from './teacher/quantizeHqq.ts';
export { dequantizeRows, type PackedWeight } from './engine/packedWeight.ts';

export { dumpLogits } from './logits/dumpLogits.ts';
export { logitsConfig, type LogitsConfig } from './logits/logitsConfig.ts';
export { openLogits, type CachedSample, type LogitsCache } from './logits/logitsCache.ts';

export { distillationLoss, type DistillationLoss, type TeacherTargets } from './train/distillationLoss.ts';
export { trainStudent, type TrainFolders } from './train/trainStudent.ts';
export { trainConfig, type TrainConfig } from './train/trainConfig.ts';

export { evaluateModel, type EvalFolders } from './eval/evaluateModel.ts';
export { evalConfig, type EvalConfig } from './eval/evalConfig.ts';
