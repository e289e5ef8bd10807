"""The certificates that the fault server presents: the right one, and two that must be refused."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.certificates import issue_certificate


@dataclass(frozen=True)
class Identities:
    """One authority that clients trust, and what may be presented."""

    ca_bundle: str
    right: ssl.SSLContext
    wrong: dict[str, ssl.SSLContext]
    """By the fault's own word for it."""


@cache
def identities() -> Identities:
    """Return the identities of this process, made on first use in a folder of their own."""
    folder = Path(mkdtemp(prefix="fault-server-"))
    right, stranger = issue_certificate(folder / "right"), issue_certificate(folder / "stranger")
    other_name = folder / "other-name.pem"
    trusted = _issue_for("elsewhere.example.test", other_name)
    bundle = folder / "trusted.pem"
    bundle.write_bytes(right.ca_bundle.read_bytes() + trusted)
    return Identities(
        str(bundle),
        _context(right.certificate, right.private_key),
        {
            "wrong-authority": _context(stranger.certificate, stranger.private_key),
            "wrong-name": _context(other_name, other_name),
        },
    )


def _issue_for(name: str, file: Path) -> bytes:
    """Write a certificate for another host that is trusted by itself, with its key; return what clients trust."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.touch(mode=0o600)
    file.write_bytes(pem + secret)
    return pem


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
