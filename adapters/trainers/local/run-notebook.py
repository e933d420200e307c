"""Runs a notebook to its end and keeps the executed copy in the output folder.

One line for each value of PERENNIAL_PARAMS is appended to the cell tagged `parameters`, whose own values are therefore
defaults. Without such a cell, a new first cell sets the values. Needs nbclient and ipykernel in the environment's lock.
"""

import json
import os
import re
import sys
from pathlib import Path

try:
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    import ipykernel  # noqa: F401
except ImportError as missing:
    sys.exit(f"a notebook needs nbclient and ipykernel, and {missing.name} is not installed: add both to the lock that code.environment names")


def with_parameters(notebook, values):
    lines = [f"{name} = {value!r}" for name, value in values.items()]
    if not lines:
        return
    code = "\n".join(["# Parameters of this build", *lines])
    for cell in notebook.cells:
        if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", []):
            cell.source = f"{cell.source}\n{code}"
            return
    notebook.cells.insert(0, nbformat.v4.new_code_cell(code))


def say(cell, cell_index, **_):
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            stream = sys.stderr if output.name == "stderr" else sys.stdout
            print(output.text, end="" if output.text.endswith("\n") else "\n", file=stream, flush=True)
        elif output.output_type == "error":
            # The log is the only place that shows the error of a failed run. The colour codes are removed, because they
            # are meant for the page of a notebook.
            print(re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output.traceback)), file=sys.stderr, flush=True)


def failed_cell(notebook):
    """Returns the number of the failed cell, counted from 1 over all cells of the executed copy, text included."""
    has_error = [any(o.output_type == "error" for o in cell.get("outputs", [])) for cell in notebook.cells]
    return max((at for at, failed in enumerate(has_error, 1) if failed), default="?")


def main():
    path = Path(sys.argv[1])
    notebook = nbformat.read(path, as_version=4)
    params = json.loads(Path(os.environ["PERENNIAL_PARAMS"]).read_text())
    bad = [name for name in params if not name.isidentifier()]
    if bad:
        sys.exit(f"build.params has names that are no Python names: {', '.join(bad)}")
    with_parameters(notebook, params)
    output = Path(os.environ["PERENNIAL_OUTPUT"])
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        resources={"metadata": {"path": os.getcwd()}},
        on_cell_executed=lambda cell, cell_index, execute_reply: say(cell, cell_index),
    )
    failure = None
    try:
        client.execute()
    except CellExecutionError as error:
        failure = error
    nbformat.write(notebook, output / path.name)
    if failure is not None:
        # On one line, because the message of a failed run quotes the last line of output.
        reason = " ".join(f"{failure.ename}: {failure.evalue}".split())
        sys.exit(f"{path.name}: cell {failed_cell(notebook)} failed: {reason}")


main()
