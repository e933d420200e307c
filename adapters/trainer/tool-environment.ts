/** An environment by name, as `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

const names = new Set([
  'PATH',
  'HOME',
  'XDG_CACHE_HOME',
  'XDG_CONFIG_HOME',
  'TMPDIR',
  'PYENV_ROOT',
  'PYENV_VERSION',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'REQUESTS_CA_BUNDLE',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
]);

/**
 * What Python and pip see of the worker's environment when they make an environment: where programs are, and how the
 * package index is reached. Nothing more, because pip puts variables into the lines of a lock, and a lock is its author's.
 */
export function toolEnvironment(worker: Environment): Record<string, string> {
  const kept = Object.entries(worker).flatMap(([name, value]): [string, string][] =>
    value !== undefined && (names.has(name.toUpperCase()) || /^(PIP_|npm_config_)/i.test(name)) ? [[name, value]] : [],
  );
  return { PATH: systemPath, LANG: 'C.UTF-8', ...Object.fromEntries(kept) };
}

export const systemPath = '/usr/local/bin:/usr/bin:/bin';
