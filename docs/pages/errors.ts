import { errorTable, isErrorCode, retryBoundOf } from '../../contracts/errors.ts';
import { code, generatedNote, page, table } from './markdown.ts';

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
    'Every refusal has one of these codes. Over HTTP it is a problem document (RFC 9457) whose `code` is the code and whose `type` is `urn:perennial:error:CODE`; `detail` names the thing, the reason and the way out. In Temporal it is the type of the failure. On the command line with `--json` it is `error.code` on standard error. *Retry* says whether the same request can succeed later, and until when a step of a run is tried again after this error: so many times, or for so many hours since it was first asked for. A step that is given up ends its run as failed, with the last reason and how often it was tried. A step that no worker takes ends as `step-lost`.',
    table(['code', 'HTTP', 'retry', 'meaning'], rows),
  );
}

function retrySaid(name: string): string {
  const bound = isErrorCode(name) ? retryBoundOf(name) : undefined;
  if (bound === undefined) return 'no';
  return 'attempts' in bound ? `${bound.attempts} times` : `${bound.hours} h`;
}
