/** An environment by name, as `process.env` has it. */
export type ToolVariables = Readonly<Record<string, string | undefined>>;

/** By which a launcher such as pyenv's finds the Python that it launches. */
const launcherVariable = /^(PATH|HOME|PYENV_ROOT|PYENV_VERSION|ASDF_[A-Z_]+|MISE_[A-Z_]+|UV_PYTHON_INSTALL_DIR)$/;

/** What the worker's own Python and Node see when they are asked what they are. No package runs then. */
export function launcherEnvironment(worker: ToolVariables, path: string): Record<string, string> {
  const kept = Object.entries(worker).flatMap(([name, value]): [string, string][] =>
    value !== undefined && launcherVariable.test(name) ? [[name, value]] : [],
  );
  return { ...Object.fromEntries(kept), PATH: path, LANG: 'C.UTF-8' };
}
