"""Entrypoint of the training job: `python train.py <s3:// URI of the job's spec>`.

Where a Ray cluster is, the work is one task on a machine of it that has the GPUs; else it is done here. Progress lines,
one JSON object each, and notes go to the output; a failure is one line of error output and exit code 1.
"""

import signal
import sys
from typing import Iterator

from tuning import JobError
from tuning.run import load_plan, run

CPUS_PER_GPU = 4


def main(arguments: list[str]) -> int:
    """Runs the job; answers the exit code."""
    # By an exception, so that the trainer is ended and the records are removed.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        if len(arguments) != 1:
            raise JobError("expected one argument, the s3:// URI of a job spec")
        for line in log_lines(arguments[0], load_plan().gpus):
            print(line, flush=True)
        return 0
    except Exception as error:
        # What a task of Ray raised is inside of what Ray raises.
        cause = getattr(error, "cause", None) or error
        reason = str(cause) if isinstance(cause, JobError) else f"{type(cause).__name__}: {cause}"
        print(f"training failed: {' '.join(reason.split())[:2000]}", file=sys.stderr)
        return 1


def log_lines(spec_uri: str, gpus: int) -> Iterator[str]:
    """The job's lines, from wherever it runs."""
    ray = None
    if gpus > 0:
        # Ray waits minutes for a cluster that it knows of and that is gone.
        yield "looking for a Ray cluster"
        ray = _cluster()
    if ray is None:
        yield "no Ray cluster is used: training on this machine"
        yield from run(spec_uri)
        return
    yield f"waiting for a machine of the cluster with {gpus} GPU{'' if gpus == 1 else 's'}"
    # Tried again by the job's own attempts, which cost what the user allowed, and never by Ray.
    task = ray.remote(num_gpus=gpus, num_cpus=CPUS_PER_GPU * gpus, max_retries=0, num_returns="streaming")(run)
    for line in task.remote(spec_uri):
        yield ray.get(line)


def _cluster():
    """Ray, connected to the cluster that this machine is the head of; None where there is none."""
    try:
        import ray
    except ImportError:
        return None
    try:
        # What tasks print would come in among the progress lines.
        ray.init(address="auto", log_to_driver=False, logging_level="warning")
    except ConnectionError:
        return None
    return ray


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
