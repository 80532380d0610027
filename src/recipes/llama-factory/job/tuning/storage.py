"""The objects of a job, in S3."""

import json
import os
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from . import JobError


class Store(Protocol):
    """Where the spec, the dataset and the model version lie."""

    def open(self, uri: str) -> BinaryIO:
        """The bytes of an object, read as they come. Raises JobError that names it."""
        ...

    def upload(self, path: Path, uri: str) -> None:
        """Stores a file, over an object that is there."""
        ...

    def put_json(self, value: Any, uri: str) -> None:
        """Stores a JSON object, over one that is there."""
        ...


class S3Store:
    """S3 as this machine reaches it: credentials, region and endpoint as the AWS SDK finds them."""

    def __init__(self) -> None:
        try:
            import boto3
            from botocore.config import Config
        except ImportError as error:
            raise JobError("the Python of the job has no boto3: install it in the image") from error
        # Other servers than AWS are addressed by path, as most of them want it.
        other = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        style = {"s3": {"addressing_style": "path"}} if other else {}
        self._client = boto3.client("s3", config=Config(retries={"max_attempts": 5, "mode": "standard"}, **style))

    def open(self, uri: str) -> BinaryIO:
        bucket, key = parse_uri(uri)
        try:
            return self._client.get_object(Bucket=bucket, Key=key)["Body"]
        except Exception as error:
            raise JobError(f"cannot read {uri}: {type(error).__name__}: {error}") from error

    def upload(self, path: Path, uri: str) -> None:
        bucket, key = parse_uri(uri)
        self._client.upload_file(str(path), bucket, key)

    def put_json(self, value: Any, uri: str) -> None:
        bucket, key = parse_uri(uri)
        body = json.dumps(value, indent=2, allow_nan=False).encode()
        self._client.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")


def parse_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`. Raises JobError when the URI has another form."""
    scheme, _, rest = uri.partition("://")
    bucket, slash, key = rest.partition("/")
    if scheme != "s3" or not bucket or not slash:
        raise JobError(f"{uri}: expected s3://bucket/key")
    return bucket, key


def read_json(store: Store, uri: str) -> Any:
    """A JSON object. Raises JobError that names it."""
    with store.open(uri) as body:
        try:
            return json.load(body)
        except ValueError as error:
            raise JobError(f"{uri} is not JSON") from error
