"""Certificates of a made-up authority, for servers on the loopback."""

import ssl
import subprocess
from pathlib import Path

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]


class Authority:
    """Everything below a directory of the caller's. `certificate` is what a client has to trust (cafile)."""

    def __init__(self, directory: Path, name: str = "authority"):
        self._directory = directory
        self._name = name
        self.certificate = directory / f"{name}.pem"
        self._key = directory / f"{name}.key"
        _openssl("req", "-x509", *CURVE, "-keyout", self._key, "-out", self.certificate, "-subj", f"/CN={name}",
                 "-addext", "keyUsage=critical,keyCertSign")

    def server_context(self, name: str = "IP:127.0.0.1") -> ssl.SSLContext:
        """With a certificate for that name; "DNS:elsewhere.example" makes a wrong one."""
        stem = f"{self._name}-{name.replace(':', '-')}"
        certificate, key = self._directory / f"{stem}.pem", self._directory / f"{stem}.key"
        _openssl("req", "-x509", *CURVE, "-CA", self.certificate, "-CAkey", self._key, "-keyout", key,
                 "-out", certificate, "-subj", "/CN=scripted", "-addext", f"subjectAltName={name}",
                 "-addext", "basicConstraints=critical,CA:false")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context


def _openssl(*arguments: object) -> None:
    done = subprocess.run(["openssl", *(str(word) for word in arguments)], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise AssertionError(f"openssl {arguments[0]} failed: {done.stderr}")
