import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { findWorkingProgram, programs } from '../../../setup/find-program.mjs';
import { repository } from '../../how-to/page.ts';

export interface Programs {
  readonly temporal: string;
  readonly minio: string;
}

/** Finds the real programs, which `npm test` has set up. */
export async function findPrograms(): Promise<Programs> {
  const [temporal, minio] = await Promise.all([
    findWorkingProgram(programs.temporal, process.env),
    findWorkingProgram(programs.minio, process.env),
  ]);
  if (temporal === undefined || minio === undefined)
    throw new Error('the Temporal CLI or MinIO is not there: npm test sets them up');
  return { temporal, minio };
}

const DynamicConfig = z.record(z.string(), z.tuple([z.object({ value: z.number() })]));

/** Converts docker/temporal-dynamic-config.yaml to arguments of the dev server. */
export function dynamicConfigArguments(): string[] {
  const text = readFileSync(`${repository}docker/temporal-dynamic-config.yaml`, 'utf8');
  return Object.entries(DynamicConfig.parse(parse(text))).map(
    ([name, [{ value }]]) => `--dynamic-config-value=${name}=${value}`,
  );
}
