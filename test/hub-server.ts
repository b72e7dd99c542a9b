// A local stand-in for the Hugging Face Hub over a folder of files, so that a recipe runs without the real one:
//   node --import tsx test/hub-server.ts --folder FOLDER
//   HF_ENDPOINT=http://127.0.0.1:PORT make RECIPE=smollm2-hub
// FOLDER holds models/ORG/NAME and datasets/ORG/NAME; another branch is NAME@BRANCH beside it, its "/" written %2F.
// Files are streamed from disk. With --accept-uploads "make publish" writes to FOLDER/models/ORG/NAME. The other flags
// below make it as unreliable as a network can be.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { UserError } from '../pipeline/config/userError.ts';
import { reportErrors } from '../pipeline/terminal/stageCommand.ts';
import { startHub, type AskedFor } from './hub/hubServer.ts';
import { acceptUploads } from './hub/hubUploads.ts';
import type { Fault } from './hub/sendFile.ts';

interface Unreliability {
  cutAfter?: number | undefined;
  corrupt?: boolean | undefined;
  delay?: number | undefined;
  rateLimit?: number | undefined;
}

/** The folders of repositories below a folder, by the names that startHub wants. */
function repositoriesIn(folder: string, { mayBeEmpty }: { mayBeEmpty: boolean }): Record<string, string> {
  const kinds = ['models', 'datasets'].filter((kind) => existsSync(join(folder, kind)));
  const found = kinds.flatMap((kind) =>
    readdirSync(join(folder, kind)).flatMap((org) =>
      readdirSync(join(folder, kind, org)).map((name) => `${kind}/${org}/${name}`),
    ),
  );
  if (found.length > 0 || mayBeEmpty)
    return Object.fromEntries(found.map((path) => [decodeURIComponent(path), join(folder, path)]));
  throw new UserError({ file: folder, problem: 'has neither models/ORG/NAME nor datasets/ORG/NAME in it' });
}

/** Each file is cut and corrupted the first time only, so that whoever tries again gets it. */
function faultsOf({ cutAfter, corrupt, delay, rateLimit }: Unreliability): (asked: AskedFor) => Fault {
  let requests = 0;
  return ({ kind, before }) => {
    const isLimited = rateLimit !== undefined && ++requests % rateLimit === 0;
    if (isLimited) return { status: 429, headers: { 'retry-after': '1' } };
    const isFirst = kind !== 'api' && before === 0;
    return {
      ...(delay !== undefined && { delay }),
      ...(isFirst && cutAfter !== undefined && { cutAfter }),
      ...(isFirst && corrupt && { flipAt: 0 }),
    };
  };
}

await reportErrors('hub-server', async () => {
  const given = await yargs(hideBin(process.argv))
    .scriptName('test/hub-server.ts')
    .usage(
      '$0 --folder FOLDER [options]\n\nServes a folder as the Hugging Face Hub would, until it is interrupted.',
    )
    .options({
      folder: { type: 'string', demandOption: true, describe: 'holds models/ORG/NAME and datasets/ORG/NAME' },
      port: { type: 'number', default: 0, describe: 'on 127.0.0.1; 0 takes a free one' },
      token: { type: 'string', describe: 'refuse requests without this token' },
      gated: {
        type: 'string',
        array: true,
        describe: 'repositories nobody has access to, as models/ORG/NAME',
      },
      'accept-uploads': {
        type: 'boolean',
        default: false,
        describe: 'take what is published, with any token or that of --token, into FOLDER/models',
      },
      'cut-after': {
        type: 'number',
        describe: 'break off the first download of each file after so many bytes',
      },
      corrupt: { type: 'boolean', describe: 'change a byte in the first download of each file' },
      delay: { type: 'number', describe: 'milliseconds before each answer' },
      'rate-limit': { type: 'number', describe: 'answer each N-th request with 429, Retry-After 1 s' },
    })
    .strict()
    .version(false)
    .parseAsync();
  const { folder, port, token, gated, acceptUploads: isOpen, cutAfter, corrupt, delay, rateLimit } = given;
  const repositories = repositoriesIn(folder, { mayBeEmpty: isOpen });
  console.error(`hub-server: reading ${Object.keys(repositories).join(', ') || 'nothing yet'}`);
  const faults = faultsOf({ cutAfter, corrupt, delay, rateLimit });
  const hub = await startHub({
    repositories,
    port,
    faults,
    ...(token && { token }),
    ...(gated && { gated }),
    ...(isOpen && { also: acceptUploads({ folder: join(folder, 'models'), token }).also }),
  });
  console.log(`HF_ENDPOINT=${hub.url}`);
});
