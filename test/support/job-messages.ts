import { z } from 'zod';
import { isErrorCode } from '../../contracts/errors.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import { CheckJob, EnvironmentJob, TrainingJob } from '../../contracts/models/training-job.ts';

// The protocol between a trainer and a job's process: one order, then messages, each a line of JSON.

export const StoreAddress = z.object({
  endpoint: z.string(),
  bucket: z.string(),
  region: z.string(),
  accessKey: z.string(),
  secretKey: z.string(),
});
export type StoreAddress = z.infer<typeof StoreAddress>;

const order = z.object({ store: StoreAddress });
export const JobOrder = z.discriminatedUnion('verb', [
  order.extend({ verb: z.literal('environment'), job: EnvironmentJob.strict() }),
  order.extend({ verb: z.literal('train'), job: TrainingJob.strict() }),
  order.extend({ verb: z.literal('check'), job: CheckJob.strict() }),
]);
export type JobOrder = z.infer<typeof JobOrder>;

export const JobMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('log'), stream: z.enum(['stdout', 'stderr', 'system']), line: z.string() }),
  z.object({ kind: z.literal('progress'), fraction: z.number(), message: z.string() }),
  z.object({ kind: z.literal('done'), result: z.unknown() }),
  z.object({
    kind: z.literal('failed'),
    code: z.custom<ErrorCode>((code) => typeof code === 'string' && isErrorCode(code)),
    message: z.string(),
    fields: z.record(z.string(), z.unknown()),
  }),
]);
export type JobMessage = z.infer<typeof JobMessage>;
