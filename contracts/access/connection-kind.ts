import { z } from 'zod';

export const HttpUrl = z.url({ protocol: /^https?$/ }).max(2_000);

export interface ConnectionKindEntry<Settings extends z.ZodType> {
  /** Schema of the settings, including secrets. It is discriminated by `kind`. */
  readonly settings: Settings;
  /** The keys of the settings, for the help text of the command line. */
  readonly help: string;
  /**
   * Returns the destination for display. Credentials, path and query of an address are omitted, because they may
   * contain secrets.
   */
  target(settings: z.infer<Settings>): string;
}

/** Infers the parameter type of `target` from the settings schema of the entry. */
export function connectionKind<Settings extends z.ZodType>(
  entry: ConnectionKindEntry<Settings>,
): ConnectionKindEntry<Settings> {
  return entry;
}
