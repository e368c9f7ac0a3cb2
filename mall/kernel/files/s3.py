"""Files of one area in an S3-compatible bucket. Loaded only where one is configured: boto3 is large."""

from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from mall.kernel.errors import NotFound
from mall.kernel.files.store import FilesUnavailable, StoredObject, no_such_file
from mall.kernel.settings import S3Settings

# What a server says of a key that no object has, or can have.
_ABSENT = {
    "400",
    "404",
    "NoSuchKey",
    "NotFound",
    "KeyTooLongError",
    "InvalidURI",
    "InvalidArgument",
}


class S3Files:
    """Keeps each file as an object below a prefix; every call has a time-out and three tries."""

    def __init__(self, settings: S3Settings, area: str) -> None:
        self._bucket = settings.bucket
        self._prefix = f"{area}/"
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
        except ParamValidationError as error:
            raise no_such_file() from error
        except ClientError as error:
            is_absent = error.response.get("Error", {}).get("Code") in _ABSENT
            if is_absent and name in ("get_object", "head_object"):
                raise no_such_file() from error
            raise FilesUnavailable() from error
        except BotoCoreError as error:
            raise FilesUnavailable() from error

    def _key(self, key: str) -> str:
        # A server may take a path apart: nothing leads out of the prefix.
        if not key.isprintable() or any(part in ("", ".", "..") for part in key.split("/")):
            raise no_such_file()
        return self._prefix + key

    def put(self, key: str, content: bytes, content_type: str) -> None:
        self._call("put_object", Key=self._key(key), Body=content, ContentType=content_type)

    def get(self, key: str) -> bytes:
        reply = self._call("get_object", Key=self._key(key))
        try:
            content: bytes = reply["Body"].read()
        except BotoCoreError as error:
            raise FilesUnavailable() from error
        return content

    def holds(self, key: str) -> bool:
        try:
            self._call("head_object", Key=self._key(key))
        except NotFound:
            return False
        return True

    def delete(self, key: str) -> None:
        self._call("delete_object", Key=self._key(key))

    def every(self) -> Iterator[StoredObject]:
        more: dict[str, str] = {}
        while True:
            reply = self._call("list_objects_v2", Prefix=self._prefix, **more)
            for item in reply.get("Contents", ()):
                yield StoredObject(item["Key"].removeprefix(self._prefix), item["LastModified"])
            if not reply.get("IsTruncated"):
                return
            more = {"ContinuationToken": reply["NextContinuationToken"]}
