import { PerennialError } from '../errors.ts';

/** Limits on the unpacked files of one code version. */
export interface CodeLimits {
  readonly bytes: number;
  readonly files: number;
}

export const usualCodeLimits: CodeLimits = { bytes: 256 * 2 ** 20, files: 20_000 };

const settings = { bytes: 'PERENNIAL_CODE_SIZE', files: 'PERENNIAL_CODE_FILES' } as const;

/** Throws `too-large` if `subject`, such as "the code in train", exceeds a limit. */
export function refuseLargeCode(subject: string, found: CodeLimits, limits: CodeLimits): void {
  if (found.bytes > limits.bytes) throw codeTooLarge(subject, 'bytes', limits);
  if (found.files > limits.files) throw codeTooLarge(subject, 'files', limits);
}

export function codeTooLarge(subject: string, what: keyof CodeLimits, limits: CodeLimits): PerennialError {
  return new PerennialError(
    'too-large',
    `${subject} has more than ${limits[what]} ${what}; keep data and environments out of the code (.gitignore and .perennialignore exclude files), or raise ${settings[what]} on the machine that packs the code and on the workers`,
    { what, limit: limits[what], setting: settings[what] },
  );
}
