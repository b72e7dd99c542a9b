// A tiny teacher with a mix for it, and the logits stage on them: run in this process, and launched in shares by
// stages/launch.ts as make does. What a launch leaves is compared with what the plain run does, file by file.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { dumpLogits } from '../../pipeline/logits/dumpLogits.ts';
import { logitsConfig } from '../../pipeline/logits/logitsConfig.ts';
import { sumsOf } from '../fileBytes.ts';
import { stageArguments } from '../runStage.ts';
import { randomSamples, writeTinyMix } from '../tinyMix.ts';
import { makeTinyModel } from '../tinyModel.ts';

const CONFIG = { top_k: 8, batch_tokens: 200, head_block: 16, shard_tokens: 60, slurm: { partition: 'x' } };

export interface Launched {
  code: number;
  stdout: string;
  stderr: string;
}

export async function launchScene(t: Test) {
  const folder = t.testdir();
  const at = (...names: string[]) => join(folder, ...names);
  await makeTinyModel(at('teacher'));
  await writeTinyMix(at('mix'), { tokenizer: at('teacher'), samples: randomSamples(40) });
  writeFileSync(at('logits.yaml'), JSON.stringify(CONFIG));
  const folders = { mix: at('mix'), teacher: at('teacher') };
  return {
    at,
    /** The stage in this process; gives the files of the cache. */
    dump: async (out: string, progress: (line: string) => void = () => undefined) => {
      await dumpLogits({ config: logitsConfig.parse(CONFIG), ...folders, out: at(out), progress });
      return sumsOf(at(out));
    },
    launch: (flags: Record<string, string>): Promise<Launched> =>
      run(stageArguments('launch', { config: at('logits.yaml'), ...folders, out: at('out'), ...flags })),
    /** The files of the cache, without what belongs to the launch. */
    files: () => {
      const found = Object.entries(sumsOf(at('out'))).filter(([name]) => !name.startsWith('launch/'));
      return Object.fromEntries(found);
    },
  };
}

async function run(command: string[]): Promise<Launched> {
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, command)) };
  } catch (error) {
    const { code, stdout, stderr } = error as Launched;
    return { code, stdout, stderr };
  }
}
