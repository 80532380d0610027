"""LLaMA-Factory's own parser on rendered YAML: reads `{"name": "<YAML>"}` from its input, prints a JSON line for each.

A line has `problems`: what the parser raised, and values that it holds otherwise than they were rendered.
"""

import enum
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from llamafactory.data.template import TEMPLATES
from llamafactory.hparams.parser import get_train_args, read_args


def plain(value):
    return value.value if isinstance(value, enum.Enum) else value


def parse(path: Path) -> list[str]:
    # As on a machine with GPUs, but for the one argument that this machine needs.
    sys.argv = ["train", str(path), "use_cpu=true"]
    rendered = read_args()
    parsed = get_train_args(dict(rendered))
    problems = []
    for key, value in rendered.items():
        held = [plain(getattr(arguments, key)) for arguments in parsed if hasattr(arguments, key)]
        # Lists are given with commas; "none" is no list of reporters.
        expected = [value, str(value).split(","), [] if value == "none" else None]
        if not held or held[0] not in expected or isinstance(held[0], bool) != isinstance(value, bool):
            problems.append(f"{key}: {value!r} is read as {held}")
    return problems


def main() -> None:
    with TemporaryDirectory() as directory:
        for name, text in json.load(sys.stdin).items():
            path = Path(directory) / f"{name.replace('/', '-')}.yaml"
            path.write_text(text)
            try:
                problems = parse(path)
            except Exception as error:
                problems = [f"{type(error).__name__}: {error}"]
            print(json.dumps({"name": name, "problems": problems}))
    print(json.dumps({"templates": sorted(TEMPLATES)}))


main()
