import type { DataWarning } from '../../../contracts/data/data-warning.ts';
import { PerennialError } from '../../../contracts/errors.ts';

/** Does something of which a refusal of a column's type also says what is doubtful about the column's values. */
export async function withAdvice<Result>(
  warnings: readonly DataWarning[],
  act: () => Promise<Result>,
): Promise<Result> {
  try {
    return await act();
  } catch (caught) {
    if (!(caught instanceof PerennialError) || caught.code !== 'schema-changed') throw caught;
    const advice = warnings.filter(({ column }) => column !== null && column === caught.fields.column);
    if (advice.length === 0) throw caught;
    const message = [caught.message, ...advice.map((warning) => warning.message)].join('; ');
    throw new PerennialError(caught.code, message, caught.fields, { cause: caught });
  }
}
