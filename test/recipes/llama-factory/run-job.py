"""`train.py` of a working directory on objects that are files: `run-job.py <working directory> <store> <spec URI>`."""

import json
import shutil
import sys
from pathlib import Path

code, root, spec = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
sys.path.insert(0, str(code))

import train  # noqa: E402
from tuning import JobError  # noqa: E402
from tuning.run import run_in  # noqa: E402
from tuning.storage import parse_uri  # noqa: E402


class DirectoryStore:
    """An object is a file below the root; writes are listed, in order, in `writes.txt`."""

    def path(self, uri):
        return root / "/".join(parse_uri(uri))

    def open(self, uri):
        try:
            return self.path(uri).open("rb")
        except FileNotFoundError as error:
            raise JobError(f"cannot read {uri}") from error

    def upload(self, path, uri):
        self.path(uri).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, self.path(uri))
        self.note(uri)

    def put_json(self, value, uri):
        self.path(uri).parent.mkdir(parents=True, exist_ok=True)
        self.path(uri).write_text(json.dumps(value))
        self.note(uri)

    def note(self, uri):
        with (root / "writes.txt").open("a") as file:
            file.write(f"{uri}\n")


train.run = lambda uri: run_in(uri, DirectoryStore(), code)
sys.exit(train.main([spec]))
