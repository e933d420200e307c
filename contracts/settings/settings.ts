import { z } from 'zod';
import type { CodeLimits } from '../code/code-limits.ts';
import { Duration } from '../time/duration.ts';
import { canonicalCron } from '../time/cron.ts';
import { PerennialError, reasonOf } from '../errors.ts';
import { limitSettings } from './limit-settings.ts';
import { storeSettings } from './object-stores.ts';
import { proxySettings } from './proxies.ts';
import { trainingQueue } from '../runs/workflows.ts';

const Port = z.coerce.number().int().min(0).max(65_535);

const PackageIndexUrl = z.url({
  protocol: /^https?$/,
  error: 'expected addresses such as https://packages.example/simple',
});

/** An IPv4 address, a network of them, or a host name. */
const AllowedDestination = z
  .string()
  .regex(
    /^(\d{1,3}(\.\d{1,3}){3}(\/([0-9]|[12][0-9]|3[0-2]))?|(?=.*[a-zA-Z])[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?)$/,
    'expected IPv4 addresses, networks such as 10.1.0.0/16, or host names, with spaces between them',
  );

/** When the platform does something by itself, in UTC. */
const CronOrNever = z.string().transform((text, context) => {
  if (text === 'never') return text;
  try {
    return canonicalCron(text, '');
  } catch (caught) {
    context.addIssue(reasonOf(caught));
    return z.NEVER;
  }
});

/** Every environment variable that any process reads, in one schema. Only `main.ts` files hand `process.env` to it. */
export const Settings = z.object({
  PERENNIAL_HOME: z.string().default('.perennial'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  TEMPORAL_ADDRESS: z.string().regex(/^[^\s:]+:\d+$/, 'expected host:port'),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  TEMPORAL_TLS_CERT: z.string().optional(),
  TEMPORAL_TLS_KEY: z.string().optional(),
  TEMPORAL_TLS_CA: z.string().optional(),
  TEMPORAL_API_KEY: z.string().optional(),
  /** Absent: the local-disk store under PERENNIAL_HOME. */
  ...storeSettings,
  PERENNIAL_API_HOST: z.string().default('127.0.0.1'),
  PERENNIAL_API_PORT: Port.default(7400),
  PERENNIAL_GATEWAY_HOST: z.string().default('127.0.0.1'),
  PERENNIAL_GATEWAY_PORT: Port.default(7401),
  /** How other processes reach this gateway, when that is not http://host:port. */
  PERENNIAL_GATEWAY_URL: z.url().optional(),
  /**
   * How long a gateway that is stopped still answers while it says that it is not ready, so that load balancers notice and
   * send requests elsewhere.
   */
  PERENNIAL_GATEWAY_DRAIN: Duration.default('5s'),
  PERENNIAL_TEMPORAL_UI_URL: z.url().optional(),
  /** Queues that a worker trains for, with commas: those that `build.resources.queue` may name. */
  PERENNIAL_TRAIN_QUEUES: z
    .string()
    .transform((text) => text.split(',').map((name) => name.trim()))
    .pipe(z.array(z.string().regex(trainingQueue, 'expected names such as train and train-gpu, with commas')).min(1))
    .default(['train']),
  /**
   * Which code a worker is, for Temporal's worker versioning: pipelines then end on the code that they began on. Absent:
   * every worker takes every execution, as on one machine, where only one code runs at a time.
   */
  PERENNIAL_BUILD_ID: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,200}$/, 'expected letters, digits, . _ and -, such as 1.4.0 or a commit')
    .optional(),
  /** Where a worker says whether it is healthy. Absent: nowhere, so that many workers fit one machine. */
  PERENNIAL_WORKER_HOST: z.string().default('127.0.0.1'),
  PERENNIAL_WORKER_PORT: Port.optional(),
  /** 32 bytes or more; from it come the keys of rehearsals and of the worker's own calls to gateways, and what connections are stored under. */
  PERENNIAL_SECRET: z.string().min(32),
  /** Makes an administrator with this key at the first start; for stacks that are not the embedded one. */
  PERENNIAL_ADMIN_KEY: z.string().min(32).optional(),
  /**
   * Whether data and code may be fetched from private, loopback and link-local addresses that a configuration names, and
   * webhooks be there; connections to stores, databases and git, which administrators make, always may.
   */
  PERENNIAL_ALLOW_PRIVATE_SOURCES: z.stringbool().default(false),
  /**
   * Whether what a user wrote may run where bubblewrap makes no sandbox: `preferred` runs it all the same and says so,
   * `required` refuses.
   */
  PERENNIAL_SANDBOX: z.enum(['required', 'preferred']).default('preferred'),
  /** What code with `code.network: true` may reach that is not public: IPv4 addresses, networks and host names, with spaces. */
  PERENNIAL_SANDBOX_ALLOW: z
    .string()
    .transform((text) => text.split(/[\s,]+/).filter((word) => word !== ''))
    .pipe(z.array(AllowedDestination))
    .default([]),
  /** Programs of the sandbox; default: those on the PATH. */
  PERENNIAL_BUBBLEWRAP: z.string().optional(),
  PERENNIAL_SLIRP4NETNS: z.string().optional(),
  /** When garbage is collected: five fields of cron or a name such as `@daily`, in UTC. `never`: only by `perennial gc`. */
  PERENNIAL_GC_SCHEDULE: CronOrNever.default('17 4 * * *'),
  /** When heads of the ledger are signed and copied to the object store: five fields of cron or a name such as `@daily`, in UTC. `never`: only when what serves has changed. */
  PERENNIAL_LEDGER_SCHEDULE: CronOrNever.default('*/15 * * * *'),
  /** Where environments and caches of training live. Default: PERENNIAL_HOME/cache */
  PERENNIAL_CACHE: z.string().optional(),
  /** The package index of pip, with credentials where it wants them. Default: the worker's own pip configuration. */
  PERENNIAL_PIP_INDEX_URL: PackageIndexUrl.optional(),
  /** Further package indexes, with spaces between them. */
  PERENNIAL_PIP_EXTRA_INDEX_URLS: z
    .string()
    .transform((text) => text.split(/\s+/).filter((url) => url !== ''))
    .pipe(z.array(PackageIndexUrl).max(20))
    .default([]),
  /** The way to sources, webhooks, git and packages of the internet; never to this machine or to parts of the platform. */
  ...proxySettings,
  PERENNIAL_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  ...limitSettings,
});
export type Settings = z.infer<typeof Settings>;

/** What decides how a process keeps apart what a user wrote. */
export const SandboxSettings = Settings.pick({
  PERENNIAL_SANDBOX: true,
  PERENNIAL_SANDBOX_ALLOW: true,
  PERENNIAL_BUBBLEWRAP: true,
  PERENNIAL_SLIRP4NETNS: true,
});
export type SandboxSettings = z.infer<typeof SandboxSettings>;

/** Where pip's packages come from. */
export const PackageSettings = Settings.pick({ PERENNIAL_PIP_INDEX_URL: true, PERENNIAL_PIP_EXTRA_INDEX_URLS: true });
export type PackageSettings = z.infer<typeof PackageSettings>;

/** Limits of code, wherever it is packed. */
export const CodeSettings = Settings.pick({ PERENNIAL_CODE_SIZE: true, PERENNIAL_CODE_FILES: true });

export function codeLimitsOf({
  PERENNIAL_CODE_SIZE: bytes,
  PERENNIAL_CODE_FILES: files,
}: z.infer<typeof CodeSettings>): CodeLimits {
  return { bytes, files };
}

/** Limits of a process of the table engine. */
export function tableLimitsOf({
  PERENNIAL_TABLE_MEMORY: memoryBytes,
  PERENNIAL_TABLE_DISK: diskBytes,
  PERENNIAL_TABLE_TIMEOUT: timeLimitMs,
}: Pick<Settings, 'PERENNIAL_TABLE_MEMORY' | 'PERENNIAL_TABLE_DISK' | 'PERENNIAL_TABLE_TIMEOUT'>): {
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly timeLimitMs: number;
} {
  return { memoryBytes, diskBytes, timeLimitMs };
}

export function pipIndexesOf({
  PERENNIAL_PIP_INDEX_URL: indexUrl,
  PERENNIAL_PIP_EXTRA_INDEX_URLS: extraIndexUrls,
}: PackageSettings): {
  readonly indexUrl: string | undefined;
  readonly extraIndexUrls: readonly string[];
} {
  return { indexUrl, extraIndexUrls };
}

/**
 * What the embedded stack reads. A part whose address is given is used and not started. A port that is not given is
 * the usual one, or a free one where that is taken; 0 is any free port.
 */
export const StackSettings = Settings.partial({
  DATABASE_URL: true,
  TEMPORAL_ADDRESS: true,
  PERENNIAL_SECRET: true,
}).extend({
  PERENNIAL_API_PORT: Port.optional(),
  PERENNIAL_GATEWAY_PORT: Port.optional(),
  PERENNIAL_POSTGRES_PORT: Port.optional(),
  PERENNIAL_TEMPORAL_PORT: Port.optional(),
  PERENNIAL_TEMPORAL_UI_PORT: Port.optional(),
});
export type StackSettings = z.infer<typeof StackSettings>;

/** Throws `invalid-setting` that names every variable that is missing or wrong. Empty strings count as absent. */
export function parseSettings<Shape extends z.ZodObject>(
  schema: Shape,
  environment: Readonly<Record<string, string | undefined>>,
): z.infer<Shape> {
  const parsed = schema.safeParse(variablesGiven(environment));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new PerennialError('invalid-setting', `the environment cannot be used: ${problems.join('; ')}`, { problems });
}

/** Without those that are empty, which count as absent. */
export function variablesGiven(
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''));
}
