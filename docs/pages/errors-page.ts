import { errorTable, isErrorCode, retryBoundOf } from '../../contracts/errors.ts';
import { code, generatedNote, page, markdownTable } from './markdown.ts';

export function errorsPage(): string {
  const rows = Object.entries(errorTable).map(([name, { status, about }]) => [
    code(name),
    String(status),
    retrySaid(name),
    about,
  ]);
  return page(
    '# Errors',
    generatedNote('contracts/errors.ts'),
    'Every error has one of these codes. Over HTTP an error is a problem document (RFC 9457): `code` is the code, `type` is `urn:perennial:error:CODE`, and `detail` names the thing, the reason and the way out. In Temporal the code is the type of the failure. On the command line with `--json` the code is `error.code` on standard error. The column *retry* says “no” if the same request cannot succeed later. Otherwise it states the bound on retries of a run step after this error: a number of attempts, or hours since the step was first scheduled. When the retries of a step are used up, its run fails, and the message gives the last reason and the number of attempts. A step that no worker starts fails with `step-lost`.',
    markdownTable(['code', 'HTTP', 'retry', 'meaning'], rows),
  );
}

function retrySaid(name: string): string {
  const bound = isErrorCode(name) ? retryBoundOf(name) : undefined;
  if (bound === undefined) return 'no';
  return 'attempts' in bound ? `${bound.attempts} times` : `${bound.hours} h`;
}
