import { readCsvRows } from './csv-rows.ts';
import { parseInvocationBody } from './invocations.ts';
import type { InferenceHead } from './open-inference.ts';
import { checkOutputs, parseInferenceBody, readInferenceColumns } from './open-inference.ts';
import type { RawBody } from './request-bodies.ts';
import { bytesBehind, jsonIn, textIn } from './request-bodies.ts';
import type { Taken } from './taken.ts';
import type { Columns } from './tensor-columns.ts';

/** What a body of `/invocations` asks for, besides its rows. */
export interface InvocationHead {
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** The parts of a body that are needed before the version that answers is known, and how its rows are read for one. */
export interface RequestBody<Head> {
  readonly head: Head;
  /** Throws `invalid-request` for rows that the version does not accept. */
  readonly columns: (taken: Taken) => Columns | Promise<Columns>;
}

/** The heads of the bodies by protocol. */
export interface Heads {
  readonly inference: InferenceHead;
  readonly invocation: InvocationHead;
}

/** Parses a body in this thread. Throws `invalid-request`. */
export function parseBody<Protocol extends keyof Heads>(
  protocol: Protocol,
  raw: RawBody,
): { readonly head: Heads[Protocol]; readonly columns: (taken: Taken) => Columns } {
  return parsers[protocol](raw);
}

const parsers: {
  readonly [Protocol in keyof Heads]: (raw: RawBody) => {
    readonly head: Heads[Protocol];
    readonly columns: (taken: Taken) => Columns;
  };
} = {
  inference(raw) {
    const { head, inputs } = parseInferenceBody(jsonIn(raw));
    return {
      head,
      columns(taken) {
        checkOutputs(head, taken.signature);
        return readInferenceColumns(inputs, bytesBehind(raw), taken);
      },
    };
  },
  invocation(raw) {
    if (raw.format === 'csv') {
      const text = textIn(raw);
      return { head: { parameters: {} }, columns: (taken) => readCsvRows(text, taken) };
    }
    const { parameters, columns } = parseInvocationBody(jsonIn(raw));
    return { head: { parameters }, columns };
  },
};
