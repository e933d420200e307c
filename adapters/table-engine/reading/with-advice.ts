import type { DataWarning } from '../../../contracts/data/data-warning.ts';
import { PerennialError } from '../../../contracts/errors.ts';

/**
 * Runs `act`. If it throws `schema-changed` for a column, adds the warnings about that column to the error's message.
 */
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
