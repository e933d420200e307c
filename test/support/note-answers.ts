// Preloaded into the command line of the end-to-end tests (`--import`): notes what the API answers it, one answer a line,
// for the test to check. The command line itself would have to compile the document's schemas at each start.
import { appendFileSync } from 'node:fs';
import { watchAnswers } from './watch-answers.ts';

const file = process.env.PERENNIAL_TEST_ANSWERS ?? '';

watchAnswers((seen) => appendFileSync(file, `${JSON.stringify(seen)}\n`));
