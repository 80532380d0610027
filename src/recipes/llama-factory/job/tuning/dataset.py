"""Records of a dataset version to the files that LLaMA-Factory reads, one line at a time: memory does not grow with them."""

import gzip
import hashlib
import io
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Callable, Iterable, Iterator

from . import JobError


@dataclass(frozen=True)
class Counts:
    """Records that were written, and those that no chat template takes."""

    written: int
    left_out: int


def write_split(
    parts: Iterable[dict[str, Any]],
    open_part: Callable[[str], BinaryIO],
    target: Path,
    most: int | None = None,
) -> Counts:
    """Writes the chats of these parts, in their order, a JSON line each; at most `most` of them.

    Raises JobError when a part is damaged: another hash or number of records than its manifest says, a line that is no
    record. Records whose turns do not alternate, after an optional system turn, from user to assistant are left out and
    counted: LLaMA-Factory would leave them out too, and print them.
    """
    written = left_out = 0
    with target.open("w", encoding="utf-8") as output:
        for part in parts:
            if most is not None and written >= most:
                break
            for messages in _chats(part, open_part):
                if not _alternates(messages):
                    left_out += 1
                elif most is None or written < most:
                    written += 1
                    output.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    return Counts(written, left_out)


def _chats(part: dict[str, Any], open_part: Callable[[str], BinaryIO]) -> Iterator[list[dict[str, str]]]:
    key, lines = part["key"], 0
    with open_part(key) as body:
        hashed = _HashingReader(body)
        try:
            for line in gzip.GzipFile(fileobj=hashed):
                lines += 1
                yield _messages(line, f"{key} line {lines}")
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise JobError(f"{key} is damaged: {error}") from error
        hashed.read_to_end()
    if hashed.sha256() != part["sha256"]:
        raise JobError(f"{key} has sha256 {hashed.sha256()}, its manifest says {part['sha256']}")
    if lines != part["records"]:
        raise JobError(f"{key} has {lines} records, its manifest says {part['records']}")


def _messages(line: bytes, where: str) -> list[dict[str, str]]:
    try:
        messages = json.loads(line)["messages"]
        return [{"role": str(message["role"]), "content": str(message["content"])} for message in messages]
    except (ValueError, KeyError, TypeError):
        # Without the cause, which may hold text of the record.
        raise JobError(f"{where} is not a record with messages") from None


def _alternates(messages: list[dict[str, str]]) -> bool:
    roles = [message["role"] for message in messages]
    turns = roles[1:] if roles[:1] == ["system"] else roles
    return len(turns) > 0 and len(turns) % 2 == 0 and turns == ["user", "assistant"] * (len(turns) // 2)


class _HashingReader(io.RawIOBase):
    """Passes bytes on and hashes them."""

    def __init__(self, body: BinaryIO) -> None:
        self._body = body
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._body.read(size if size >= 0 else None)
        self._hash.update(data)
        return data

    def read_to_end(self) -> None:
        while self.read(1 << 16):
            pass

    def sha256(self) -> str:
        return self._hash.hexdigest()
