"""An own certificate authority and one server certificate, made with the `openssl` command line.

For private servers only: the key of the authority is thrown away at once, so nobody can sign with it later.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_DAYS = 90


class OpensslError(RuntimeError):
    """The `openssl` command failed; carries what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCertificate:
    """Files made by `make_certificate`."""

    ca_file: Path
    pem_file: Path
    """Certificate and key in one file, readable by its owner only."""


async def make_certificate(folder: Path, *, names: tuple[str, ...], days: int = _DAYS) -> ServerCertificate:
    """Make authority and certificate for these host names and addresses; keep good ones that are there.

    `days`: how long the certificate is good; 0: it never is.
    """
    made = ServerCertificate(ca_file=folder / "ca.pem", pem_file=folder / "server.pem")
    extensions = folder / "extensions.cnf"
    wanted = f"subjectAltName={','.join(map(_alternative, names))}\nbasicConstraints=CA:FALSE\n"
    if _read(extensions) == wanted and await _is_valid(made.pem_file):
        return made
    _write(extensions, wanted)
    ca_key, key, request, leaf = (folder / name for name in ("ca.key", "server.key", "server.csr", "server.crt"))
    subject = ("-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
    await _openssl("req", "-x509", *subject, "-keyout", ca_key, "-out", made.ca_file,
                   "-days", str(_DAYS), "-subj", "/CN=KleanXMPP private server")  # fmt: skip
    await _openssl("req", *subject, "-keyout", key, "-out", request, "-subj", f"/CN={names[0][:60]}")
    await _openssl("x509", "-req", "-in", request, "-CA", made.ca_file, "-CAkey", ca_key, "-set_serial", "2",
                   "-days", str(days), "-extfile", extensions, "-out", leaf)  # fmt: skip
    _write(made.pem_file, _read(leaf) + _read(key))
    for temporary in (ca_key, key, request, leaf):
        temporary.unlink()
    return made


def _read(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(text)


async def _is_valid(certificate: Path) -> bool:
    """Tell whether a certificate is there and will still be good tomorrow."""
    with suppress(OpensslError):
        await _openssl("x509", "-checkend", "86400", "-noout", "-in", certificate)
        return True
    return False


def _alternative(name: str) -> str:
    is_address = name.replace(".", "").isdigit() or ":" in name
    return f"IP:{name}" if is_address else f"DNS:{name}"


async def _openssl(*arguments: str | Path) -> None:
    process = await asyncio.create_subprocess_exec(
        "openssl", *map(str, arguments), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, complaint = await process.communicate()
    if process.returncode:
        raise OpensslError(f"openssl {arguments[0]} failed: {complaint.decode(errors='replace').strip()}")
