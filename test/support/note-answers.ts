// Preloaded into the command line of the end-to-end tests (`--import`). Writes each API response to a file, one per
// line, for the test to check. If the command line checked them itself, it would compile the document's schemas at each
// start.
import { appendFileSync } from 'node:fs';
import { watchAnswers } from './watch-answers.ts';

const file = process.env.PERENNIAL_TEST_ANSWERS ?? '';

watchAnswers((seen) => appendFileSync(file, `${JSON.stringify(seen)}\n`));
