"""One training job, from its spec to `model.json`. What it does can be done again: the same spec writes over its own files."""

import hashlib
import json
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

from . import JobError
from .dataset import write_split
from .storage import S3Store, Store, parse_uri, read_json
from .trainer import LOG, OUTPUT, Progress, train

CODE = Path(__file__).resolve().parent.parent

# What a service loads, and what people look at. Nothing else is stored: a service downloads all that is there.
ADAPTER_FILES = ["adapter_config.json", "adapter_model.safetensors"]
REPORT_FILES = ["trainer_log.jsonl", "all_results.json"]


@dataclass(frozen=True)
class Plan:
    """`plan.json`: the settings that the files beside it were rendered from."""

    baseModel: str
    hyperparameters: dict[str, Any]
    gpus: int
    maxRecords: int | None
    trainerBin: str


def load_plan(directory: Path = CODE) -> Plan:
    """Reads the plan beside the entrypoint."""
    return Plan(**json.loads((directory / "plan.json").read_text()))


def run(spec_uri: str) -> Iterator[str]:
    """Runs the job on this machine, with S3; yields the lines of its log as they come. Raises JobError."""
    # No `yield from`: as a task's generator it is sent values by Ray, which a list inside of it would not take.
    for line in run_in(spec_uri, S3Store(), CODE):
        yield line


def run_in(spec_uri: str, store: Store, code: Path) -> Iterator[str]:
    """Runs the job whose rendered files are in `code`. Raises JobError."""
    plan = load_plan(code)
    spec = _read_spec(store, spec_uri, plan)
    manifest = read_json(store, spec["manifest"])
    with tempfile.TemporaryDirectory(prefix="tuneloop-") as scratch:
        directory = Path(scratch)
        trained, validation, notes = _prepare(store, spec["manifest"], manifest, plan, directory)
        yield from notes
        config = "train-and-validate.yaml" if validation else "train.yaml"
        shutil.copy(code / config, directory)
        started = time.monotonic()
        losses: list[float] = []
        for progress in train(directory, config, plan.gpus, plan.trainerBin):
            if progress.loss is not None:
                losses.append(round(progress.loss, 6))
            yield _progress_line(progress)
        seconds = round(time.monotonic() - started, 3)
        facts = {"baseModel": plan.baseModel, "dataset": f"{manifest['dataset']}@{manifest['version']}",
                 "trainedRecords": trained, "trainSeconds": seconds, "loss": losses}
        _store_model(store, spec["output"], directory, facts)


def _read_spec(store: Store, uri: str, plan: Plan) -> dict[str, Any]:
    spec = read_json(store, uri)
    if not isinstance(spec, dict) or spec.get("format") != 1:
        raise JobError(f"{uri}: format: expected 1")
    if spec.get("baseModel") not in (None, plan.baseModel):
        raise JobError(f"{uri}: baseModel: the job was rendered for {plan.baseModel}")
    for name, value in spec.get("hyperparameters", {}).items():
        if name not in plan.hyperparameters or plan.hyperparameters[name] != value:
            raise JobError(f"{uri}: hyperparameters.{name}: the job was rendered for another value")
    return spec


def _prepare(
    store: Store, manifest_uri: str, manifest: dict[str, Any], plan: Plan, directory: Path
) -> tuple[int, int, list[str]]:
    """Writes the records to train on and those to validate on; answers how many, and what to say of them."""
    data = directory / "data"
    data.mkdir()
    shutil.copy(CODE / "dataset_info.json", data)
    root, found, _ = manifest_uri.rpartition(f"datasets/{manifest['dataset']}/versions/")
    if not found:
        raise JobError(f"manifest: {manifest_uri} does not lie in datasets/{manifest['dataset']}/versions/")
    notes = []
    written = {}
    for split, most in (("train", plan.maxRecords), ("valid", None)):
        parts = [part for part in manifest["parts"] if part["split"] == split]
        counts = write_split(parts, lambda key: store.open(root + key), data / f"{split}.jsonl", most)
        written[split] = counts.written
        if counts.left_out:
            notes.append(f"{split}: {counts.left_out} records left out, their turns do not alternate from user to assistant")
    if written["train"] == 0:
        raise JobError(f"{manifest['dataset']}@{manifest['version']} has no record to train on; {'; '.join(notes) or 'its train split is empty'}")
    notes.append(f"training on {written['train']} records, validating on {written['valid']}")
    return written["train"], written["valid"], notes


def _progress_line(progress: Progress) -> str:
    line: dict[str, Any] = {"step": progress.step, "total": progress.total, "loss": progress.loss}
    if progress.eval_loss is not None:
        line["evalLoss"] = progress.eval_loss
    return json.dumps(line | {"etaSeconds": progress.eta_seconds})


def _store_model(store: Store, output: str, directory: Path, facts: dict[str, Any]) -> None:
    """Stores the files of the model version and, last, `model.json`, which says that all are there."""
    segments = output.rstrip("/").split("/")
    _, prefix = parse_uri(output)
    if len(prefix.rstrip("/").split("/")) < 2:
        raise JobError(f"output: {output} does not end in <model>/<model version>/")
    made = directory / OUTPUT
    missing = [name for name in ADAPTER_FILES if not (made / name).is_file()]
    if missing:
        raise JobError(f"the trainer ended well but wrote no {' and no '.join(missing)}")
    names = ADAPTER_FILES + [name for name in REPORT_FILES if (made / name).is_file()]
    files = []
    for name in names:
        store.upload(made / name, output + name)
        files.append({"key": prefix + name, "sha256": _sha256(made / name), "bytes": (made / name).stat().st_size})
    model = {"format": 1, "model": segments[-2], "version": segments[-1], "recipe": "llama-factory", "task": "chat"}
    store.put_json(model | facts | {"files": files}, f"{output}model.json")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
