import { z } from 'zod';

export const HttpUrl = z.url({ protocol: /^https?$/ }).max(2_000);

export interface ConnectionKindEntry<Settings extends z.ZodType> {
  /** With the secrets. `kind` tells them from those of other kinds. */
  readonly settings: Settings;
  /** For the command line's help: the keys. */
  readonly help: string;
  /** Where it leads, for people: neither credentials nor a path or query, which may hold some. */
  target(settings: z.infer<Settings>): string;
}

/** Types `target` by the settings of its entry. */
export function connectionKind<Settings extends z.ZodType>(
  entry: ConnectionKindEntry<Settings>,
): ConnectionKindEntry<Settings> {
  return entry;
}
