/** Environment variables by name, as in `process.env`. */
export type ToolVariables = Readonly<Record<string, string | undefined>>;

/** Variables with which a launcher such as pyenv's finds the Python that it starts. */
const launcherVariable = /^(PATH|HOME|PYENV_ROOT|PYENV_VERSION|ASDF_[A-Z_]+|MISE_[A-Z_]+|UV_PYTHON_INSTALL_DIR)$/;

/**
 * Returns the variables that the worker's own Python and Node see when they are asked for their version. No code of a
 * package runs then.
 */
export function launcherEnvironment(worker: ToolVariables, path: string): Record<string, string> {
  const kept = Object.entries(worker).flatMap(([name, value]): [string, string][] =>
    value !== undefined && launcherVariable.test(name) ? [[name, value]] : [],
  );
  return { ...Object.fromEntries(kept), PATH: path, LANG: 'C.UTF-8' };
}
