"""Calls AWS through boto3: one place makes clients, and one says in a line what the service answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from dikast.errors import UnavailableError, UsageError

_CREDENTIALS = frozenset(
    {
        "UnrecognizedClientException",
        "ExpiredTokenException",
        "ExpiredToken",
        "InvalidClientTokenId",
        "InvalidSignatureException",
    }
)
_REFUSED = frozenset(
    {"ValidationException", "ResourceNotFoundException", "ResourceNotFound", "ResourceInUse", "ConflictException"}
)


def client(service: str, region: str | None, *, endpoint: str | None = None) -> Any:
    """Makes a client of a service. Raises `UnavailableError` where there is no region."""
    import boto3.session
    from botocore.exceptions import BotoCoreError

    try:
        session: Any = cast("Any", boto3.session.Session())
        return session.client(service, region_name=region, endpoint_url=endpoint)
    except (BotoCoreError, ValueError) as error:
        raise UnavailableError(f"{service}: {error}; set AWS credentials and a region") from error


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turns what AWS answers into an error of ours; `what` is what was being done."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        answer = cast("dict[str, Any]", error.response)
        code = str(answer.get("Error", {}).get("Code", "unknown"))
        message = " ".join(str(answer.get("Error", {}).get("Message", "")).split())
        if code in _REFUSED:
            raise UsageError(f"{what}: AWS answered {code}: {message}") from error
        mend = "renew the credentials" if code in _CREDENTIALS else "mend that and run the same command again"
        raise UnavailableError(f"{what}: AWS answered {code}: {message}; {mend}") from error
    except (BotoCoreError, Boto3Error) as error:
        raise UnavailableError(f"{what}: {error}; mend that and run the same command again") from error
