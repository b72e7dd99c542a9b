// make teacher: quantizes the teacher's checkpoint by HQQ (pipeline/teacher). What each kind of layer lost, to stdout.
import { makeTeacher } from '../pipeline/teacher/makeTeacher.ts';
import { teacherConfig } from '../pipeline/teacher/teacherConfig.ts';
import { qualityByKind, type TeacherStatistics } from '../pipeline/teacher/teacherStatistics.ts';
import { stageCommand } from '../pipeline/terminal/stageCommand.ts';
import { textTable } from '../pipeline/terminal/textTable.ts';

await stageCommand({
  name: 'teacher',
  summary: 'Quantizes the linear layers of a checkpoint by HQQ; the rest becomes bfloat16.',
  options: {
    model: { describe: 'model folder with config.json, safetensors and tokenizer files', required: true },
    out: { describe: 'folder to write the quantized model to', required: true },
  },
  schema: teacherConfig,
  run: async ({ config, options: { model, out }, progress }) => {
    const { manifest, upToDate } = await makeTeacher({ config, model, out, progress });
    console.log(upToDate ? `${out}: up to date` : summaryOf(manifest.statistics as TeacherStatistics));
  },
});

function summaryOf({ modules, total }: TeacherStatistics): string {
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  const rows = Object.entries(qualityByKind(modules)).map(([kind, { layers, bits, weights, ...quality }]) => [
    ...[kind, layers, bits, weights, megabytes(quality.bytes)],
    ...[quality.mean_relative_error.toFixed(5), quality.max_relative_error.toFixed(5)],
  ]);
  const head = ['linear layers', 'number', 'bits', 'weights', 'MB', 'mean error', 'max error'];
  return (
    textTable([head, ...rows]) +
    `${total.bits_per_weight.toFixed(3)} bits a quantized weight, scales and zero points included; ` +
    `whole model ${megabytes(total.bytes)} MB`
  );
}
