"""A certificate authority of a test, and what it vouches for, made with openssl."""
from __future__ import annotations

import pathlib
import subprocess


KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def openssl(*words: object) -> str:
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True,
                          timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"openssl {words}: {done.stderr}"
    return done.stdout


class Authority:
    """`certificate` is its own; `issue(NAME)` makes NAME.crt, NAME.key and both in NAME.pem."""

    def __init__(self, folder: pathlib.Path, name: str = "ca"):
        self.folder = folder
        self.certificate, self.key = folder / f"{name}.crt", folder / f"{name}.key"
        openssl("req", "-x509", *KEY, "-nodes", "-days", 2, "-subj", f"/CN={name}",
                "-keyout", self.key, "-out", self.certificate)

    def issue(self, name: str, names: str = "DNS:localhost", days: int = 2,
              kind: tuple[str, ...] = KEY) -> pathlib.Path:
        """@returns the certificate, of the user `name`, and of a server with these names."""
        request, key, out = (self.folder / f"{name}.{end}" for end in ("csr", "key", "crt"))
        openssl("req", *kind, "-nodes", "-subj", f"/CN={name}",
                "-keyout", key, "-out", request)
        extra = self.folder / f"{name}.names"
        extra.write_text(f"subjectAltName={names}\n")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                "-CAcreateserial", "-days", days, "-extfile", extra, "-out", out)
        (self.folder / f"{name}.pem").write_text(key.read_text() + out.read_text())
        return out
