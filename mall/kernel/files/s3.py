"""Files in an S3-compatible bucket. Loaded only where one is configured: boto3 is large."""

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mall.kernel.files.store import FilesUnavailable, no_such_file
from mall.kernel.settings import S3Settings

_ABSENT = {"404", "NoSuchKey", "NotFound"}


class S3Files:
    """Keeps each file as an object; every call has a time-out and is tried three times at most."""

    def __init__(self, settings: S3Settings) -> None:
        self._bucket = settings.bucket
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=settings.endpoint or None,
            region_name=settings.region,
            aws_access_key_id=settings.access_key,
            aws_secret_access_key=settings.secret_key,
            config=Config(
                connect_timeout=3,
                read_timeout=10,
                retries={"max_attempts": 3, "mode": "standard"},
                s3={"addressing_style": "path"},
            ),
        )

    def _call(self, name: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, name)(Bucket=self._bucket, **arguments)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _ABSENT and "Body" not in arguments:
                raise no_such_file() from error
            raise FilesUnavailable() from error
        except BotoCoreError as error:
            raise FilesUnavailable() from error

    def put(self, key: str, content: bytes, content_type: str) -> None:
        self._call("put_object", Key=key, Body=content, ContentType=content_type)

    def get(self, key: str) -> bytes:
        reply = self._call("get_object", Key=key)
        try:
            content: bytes = reply["Body"].read()
        except BotoCoreError as error:
            raise FilesUnavailable() from error
        return content

    def holds(self, key: str) -> bool:
        try:
            self._call("head_object", Key=key)
        except type(no_such_file()):
            return False
        return True

    def delete(self, key: str) -> None:
        self._call("delete_object", Key=key)
