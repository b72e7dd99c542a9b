// Prints what is on this machine, a line each, with what to do about what is missing. Exit code 1 if that is needed.
import { reportErrors } from '../pipeline/config/stageCommand.ts';
import { findingLine, inspectMachine } from '../pipeline/engine/inspectMachine.ts';

await reportErrors('doctor', async () => {
  for await (const finding of inspectMachine()) {
    console.log(findingLine(finding));
    if (finding.needed && finding.found === undefined) process.exitCode = 1;
  }
});
