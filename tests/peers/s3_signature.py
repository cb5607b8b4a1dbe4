"""AWS Signature Version 4 ("Authenticating Requests" of the S3 API) of a request without a query."""

import hashlib
import hmac
from datetime import datetime, timezone
from urllib.parse import urlsplit


def sign(method: str, url: str, body: bytes, access_key: str, secret_key: str, region: str) -> dict[str, str]:
    """The headers that authorize it."""
    parts, now = urlsplit(url), datetime.now(timezone.utc)
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": parts.netloc, "x-amz-content-sha256": digest, "x-amz-date": moment}
    names = ";".join(headers)
    canonical = "\n".join([method, parts.path, "", *(f"{name}:{value}" for name, value in headers.items()),
                           "", names, digest])
    scope = f"{day}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret_key}".encode()
    for word in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    headers["Authorization"] = (f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, "
                                f"Signature={signature}")
    return headers
