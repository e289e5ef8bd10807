"""The certificate of the local servers, before any socket is opened."""

import ssl
from pathlib import Path

from cryptography import x509

from local.certificates import issue_certificate


def test_a_client_that_verifies_strictly_can_load_the_bundle(tmp_path: Path) -> None:
    """The bundle holds one authority that may sign certificates, as Python 3.13's strict check asks."""
    files = issue_certificate(tmp_path)
    context = ssl.create_default_context(cafile=str(files.ca_bundle))
    [authority] = context.get_ca_certs()
    assert authority["subject"] == authority["issuer"]


def test_the_server_certificate_is_signed_by_the_bundle_and_names_only_this_machine(tmp_path: Path) -> None:
    """A leaked bundle cannot vouch for any other host."""
    files = issue_certificate(tmp_path)
    server, authority = x509.load_pem_x509_certificates(files.certificate.read_bytes())
    server.verify_directly_issued_by(authority)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["localhost", "127.0.0.1"]


def test_the_key_is_private_and_new_at_every_start(tmp_path: Path) -> None:
    """Only the owner can read the key, and a second start replaces it."""
    first = issue_certificate(tmp_path).private_key.read_bytes()
    files = issue_certificate(tmp_path)
    assert files.private_key.stat().st_mode & 0o777 == 0o600
    assert files.private_key.read_bytes() != first
