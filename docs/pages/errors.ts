import { errorTable } from '../../contracts/errors.ts';
import { code, generatedNote, page, table } from './markdown.ts';

export function errorsPage(): string {
  const rows = Object.entries(errorTable).map(([name, { status, retryable, about }]) => [
    code(name),
    String(status),
    retryable ? 'yes' : 'no',
    about,
  ]);
  return page(
    '# Errors',
    generatedNote('contracts/errors.ts'),
    'Every refusal has one of these codes. Over HTTP it is a problem document (RFC 9457) whose `code` is the code and whose `type` is `urn:perennial:error:CODE`; `detail` names the thing, the reason and the way out. In Temporal it is the type of the failure. On the command line with `--json` it is `error.code` on standard error. *Retry* says whether the same request can succeed later; activities are retried for those alone.',
    table(['code', 'HTTP', 'retry', 'meaning'], rows),
  );
}
