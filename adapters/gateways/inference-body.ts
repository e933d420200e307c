import type { Cell } from '../../contracts/data/data-types.ts';
import type { InferenceRow } from '../../ports/gateways.ts';

/**
 * Returns one row as a request of the Open Inference Protocol, with one tensor per feature. The gateway converts
 * numbers to the types that the model takes.
 */
export function inferenceBody(row: InferenceRow, replayAs: 'champion' | 'canary' | undefined): string {
  return JSON.stringify({
    parameters: {
      prediction_ids: [row.id],
      ...(row.eventTime === undefined ? {} : { event_times: [row.eventTime] }),
      ...(replayAs === undefined ? {} : { replay: replayAs }),
    },
    inputs: Object.entries(row.features).map(([name, cell]) => ({
      name,
      shape: [1],
      datatype: datatypeOf(cell),
      data: [cell],
    })),
  });
}

function datatypeOf(cell: Cell): string {
  if (typeof cell === 'string') return 'BYTES';
  return typeof cell === 'boolean' ? 'BOOL' : 'FP64';
}
