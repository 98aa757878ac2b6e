"""The temporary authority's certificates are valid or invalid as requested."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.tools.demo.certificate_authority import CertificateAuthority

NAMES = ["mot.localhost", "localhost"]


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path / "ca")


def shake_hands(authority: CertificateAuthority, server: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """Do a handshake in memory, as strictly as the standard library can; raises what a client would see."""
    client = ssl.create_default_context(cafile=authority.ca_file)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server, server_hostname=name)
    there = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (here, there, here):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return here


@pytest.mark.parametrize("name", ["127.0.0.1", *NAMES])
def test_a_good_certificate_is_good_for_all_its_names(authority: CertificateAuthority, name: str):
    assert shake_hands(authority, authority.issue(NAMES), name).version() == "TLSv1.3"


def test_the_chain_has_an_intermediate(authority: CertificateAuthority):
    """The root alone is trusted, and it did not sign the leaf."""
    leaf = shake_hands(authority, authority.issue(NAMES), "localhost").getpeercert()
    root = ssl.create_default_context(cafile=authority.ca_file).get_ca_certs()
    assert leaf is not None
    assert leaf["issuer"] != root[0]["subject"]


def test_an_expiring_certificate_ends_as_requested(authority: CertificateAuthority):
    leaf = shake_hands(authority, authority.expiring(NAMES, 5), "localhost").getpeercert()
    assert leaf is not None
    left = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(leaf["notAfter"])), UTC) - datetime.now(UTC)
    assert timedelta(days=4.99) < left <= timedelta(days=5)


def test_bad_certificates_are_bad_for_their_own_reason(authority: CertificateAuthority):
    """OpenSSL's verify codes: 10 expired, 62 and 64 wrong host name and address, 18 self-signed."""
    bad = [
        (authority.expired(NAMES), "localhost", 10),
        (authority.wrong_name(), "localhost", 62),
        (authority.wrong_name(), "127.0.0.1", 64),
        (authority.self_signed(NAMES), "localhost", 18),
    ]
    for server, name, code in bad:
        with pytest.raises(ssl.SSLCertVerificationError) as caught:
            shake_hands(authority, server, name)
        assert caught.value.verify_code == code


def test_only_the_owner_may_read_the_files(authority: CertificateAuthority):
    authority.issue(NAMES)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in authority.ca_file.parent.iterdir()}
    assert modes == {0o600}


def test_another_authority_is_not_trusted(authority: CertificateAuthority, tmp_path: Path):
    other = CertificateAuthority(tmp_path / "other")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(authority, other.issue(NAMES), "localhost")
