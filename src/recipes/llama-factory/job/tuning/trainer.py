"""Runs LLaMA-Factory and follows its log."""

import json
import math
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, TextIO

from . import JobError

# Below the directory that the trainer runs in.
OUTPUT = "out"
LOG = f"{OUTPUT}/trainer_log.jsonl"
ERRORS = "stderr.txt"

POLL_SECONDS = 0.2
TERMINATION_SECONDS = 10

# A line that ends a Python traceback, maybe with the process that it is of before it.
ERROR_LINE = re.compile(r"^(?:\[rank\d+\]:\s*)?((?:\w+\.)*\w*(?:Error|Exception)\b.*)$")


@dataclass(frozen=True)
class Progress:
    """One entry of the trainer's log. `loss` is that of training, `eval_loss` that of the valid split; one of them is there."""

    step: int
    total: int
    loss: float | None
    eval_loss: float | None
    eta_seconds: int


def train(directory: Path, config: str, gpus: int, trainer_bin: str) -> Iterator[Progress]:
    """Trains in `directory` by its file `config`; yields what the trainer logs meanwhile.

    Raises JobError when LLaMA-Factory is missing, fails or is killed, or when the loss is no number any more. The trainer
    does not outlive the iteration. Its output is not passed on, because it prints records.
    """
    search = os.pathsep.join([trainer_bin, os.environ.get("PATH", "")])
    program = shutil.which("llamafactory-cli", path=search)
    if program is None:
        raise JobError(f"llamafactory-cli is neither in {trainer_bin} nor on PATH: the job needs the image of its recipe")
    # LLaMA-Factory starts torchrun by its bare name; datasets would leave records in the home directory.
    env = os.environ | {"PATH": search, "HF_DATASETS_CACHE": str(directory / "cache"), "PYTHONUNBUFFERED": "1"}
    if gpus > 1:
        env |= {"FORCE_TORCHRUN": "1", "NPROC_PER_NODE": str(gpus)}
    with (directory / ERRORS).open("wb") as errors:
        process = subprocess.Popen(
            [program, "train", config],
            cwd=directory,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        yield from _follow(process, directory / LOG)
    finally:
        _end(process)
    if process.returncode != 0:
        raise JobError(_failure(process.returncode, directory / ERRORS))


def _follow(process: "subprocess.Popen[bytes]", log: Path) -> Iterator[Progress]:
    file: TextIO | None = None
    buffered = ""
    try:
        while True:
            # Asked before reading: what it wrote last is read once more after its end.
            running = process.poll() is None
            if file is None and log.exists():
                file = log.open(encoding="utf-8")
            if file is not None:
                *lines, buffered = (buffered + file.read()).split("\n")
                for line in lines:
                    progress = parse_entry(line)
                    if progress is not None:
                        yield progress
            if not running:
                return
            time.sleep(POLL_SECONDS)
    finally:
        if file is not None:
            file.close()


def parse_entry(line: str) -> Progress | None:
    """Reads a line of the trainer's log; None for one without a loss. Raises JobError when the loss is no number."""
    entry = json.loads(line)
    loss, eval_loss = entry.get("loss"), entry.get("eval_loss")
    if loss is None and eval_loss is None:
        return None
    step = entry["current_steps"]
    for value in (loss, eval_loss):
        if value is not None and not math.isfinite(value):
            raise JobError(f"the loss of step {step} is {value}: the training diverged, try a smaller learningRate")
    return Progress(step, entry["total_steps"], loss, eval_loss, _seconds(entry["remaining_time"]))


def _seconds(text: str) -> int:
    """Seconds of `0:01:02` or `1 day, 0:01:02`."""
    days, _, clock = text.rpartition(", ")
    hours, minutes, seconds = (int(number) for number in clock.split(":"))
    return (int(days.split()[0]) if days else 0) * 86_400 + hours * 3600 + minutes * 60 + seconds


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(TERMINATION_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _failure(code: int, errors: Path) -> str:
    """How it ended, and the ends of the last tracebacks in its error output, where no records are printed."""
    if code < 0:
        how = f"was ended by {signal.Signals(-code).name}"
        how += ", maybe for want of memory" if -code == signal.SIGKILL else ""
    else:
        how = f"ended with exit code {code}"
    found: list[str] = []
    with errors.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            match = ERROR_LINE.match(line)
            if match is not None and match.group(1)[:300] not in found:
                found = [*found, match.group(1)[:300].strip()][-3:]
    return f"llamafactory-cli {how}" + (f": {' / '.join(found)}" if found else "")
