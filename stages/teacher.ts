// stages/teacher.ts: quantizes the teacher's checkpoint by HQQ (pipeline/model/teacher.ts).
import { stageCommand } from '../pipeline/config/stageCommand.ts';
import { makeTeacher, type TeacherStatistics } from '../pipeline/model/teacher.ts';
import { teacherConfig } from '../pipeline/model/teacherConfig.ts';
import type { ModuleQuality } from '../pipeline/model/teacherShards.ts';

await stageCommand({
  name: 'teacher',
  summary: 'Quantizes the linear layers of a checkpoint by HQQ; the rest becomes bfloat16.',
  options: {
    model: { describe: 'model folder with config.json, safetensors and tokenizer files', required: true },
    out: { describe: 'folder to write the quantized model to', required: true },
  },
  schema: teacherConfig,
  run: async ({ config, options: { model, out } }) => {
    const progress = (line: string) => console.error(`teacher: ${line}`);
    const { manifest, upToDate } = await makeTeacher({ config, model, out, progress });
    if (upToDate) console.log(`${out}: up to date`);
    else printTable(manifest.statistics as TeacherStatistics);
  },
});

function printTable({ modules, total }: TeacherStatistics): void {
  row(['linear layers', 'number', 'bits', 'weights', 'MB', 'mean error', 'max error']);
  for (const [kind, members] of byKind(modules)) {
    const errors = members.map((member) => member.relative_error);
    const bits = [...new Set(members.map((member) => member.bits))].join('/');
    const [weights, bytes] = [sum(members.map((m) => m.weights)), sum(members.map((m) => m.bytes))];
    const [mean, max] = [sum(errors) / errors.length, Math.max(...errors)];
    row([kind, members.length, bits, weights, megabytes(bytes), mean.toFixed(5), max.toFixed(5)]);
  }
  console.log(
    `${total.bits_per_weight.toFixed(3)} bits a quantized weight, scales and zero points included; ` +
      `whole model ${megabytes(total.bytes)} MB`,
  );
}

/** The layers by their name within a decoder layer. */
function byKind(modules: Record<string, ModuleQuality>): Map<string, ModuleQuality[]> {
  const kinds = new Map<string, ModuleQuality[]>();
  for (const [module, quality] of Object.entries(modules)) {
    const kind = module.replace(/^model\.layers\.\d+\./, '');
    kinds.set(kind, [...(kinds.get(kind) ?? []), quality]);
  }
  return kinds;
}

function row(cells: (string | number)[]): void {
  console.log(
    cells.map((cell, i) => (i === 0 ? String(cell).padEnd(20) : String(cell).padStart(12))).join(''),
  );
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
