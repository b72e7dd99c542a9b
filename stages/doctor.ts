// make doctor: what is on this machine, a line each, with what to do about what is missing. Exit code 1 if it is needed.
import { findingLine, inspectMachine } from '../pipeline/setup/inspectMachine.ts';
import { reportErrors } from '../pipeline/terminal/stageCommand.ts';

await reportErrors('doctor', async () => {
  for await (const finding of inspectMachine()) {
    console.log(findingLine(finding));
    if (finding.needed && finding.found === undefined) process.exitCode = 1;
  }
});
