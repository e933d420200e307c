import { z } from 'zod';
import { Command } from '../contracts/runs/command.ts';
import { Id, Name, PageRequest } from '../contracts/identifiers.ts';
import { Run } from '../contracts/runs/run.ts';
import { ProblemDocument } from './problem.ts';

// Schemas that routes share. Bodies and queries are strict: an unknown field is an error and not ignored, so that a
// misspelt `environment` cannot change production.

export const ProjectHeaders = z.looseObject({ 'perennial-project': Name.default('default') });
export type ProjectHeaders = z.infer<typeof ProjectHeaders>;

/** Headers of requests that start something. */
export const StartHeaders = ProjectHeaders.extend({ 'idempotency-key': z.string().min(1).max(200).optional() });

export const ModelParams = z.object({ model: Name });
export const IdParams = z.object({ id: Id });
export const NumberParams = ModelParams.extend({
  version: z.coerce
    .number()
    .int()
    .min(1)
    .max(2 ** 31 - 1),
});

export const EnvironmentQuery = z.strictObject({ environment: Name.default('production') });
export const EnvironmentPage = z.strictObject({ ...PageRequest.shape, ...EnvironmentQuery.shape });

export function pageSchemaOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item).readonly(), next: z.string().optional() });
}

export const StartedRun = z.object({ run: Run });
export const AcceptedCommand = z.object({ command: Command });

/** Error response of every route: each error is a problem document. */
export const problems = {
  default: { description: 'What went wrong', content: { 'application/problem+json': { schema: ProblemDocument } } },
};

/** Declares a response in one of several media types. Streamed responses are not validated against their schema. */
export function answersAs(description: string, content: Readonly<Record<string, z.ZodType>>) {
  return {
    200: {
      description,
      content: Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }])),
    },
    ...problems,
  };
}

export function bytesAs(...types: readonly string[]) {
  const bytes = z.string().meta({ format: 'binary' });
  return answersAs('The bytes', Object.fromEntries(types.map((type) => [type, bytes])));
}
