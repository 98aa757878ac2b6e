"""Starts a process that can reach the public Internet and nothing else, whatever the pages in it want.

``python -E -s -S -m probes.fence REACH COMMAND``: every connection that the command or anything below it opens is
held by the kernel (seccomp user notification, Linux 5.5 and newer) until this process has looked at its address. A
connection costs some tens of microseconds more and then runs untouched, so figures stay what they are, which a proxy
would change. What a name resolves to does not matter, since the address itself is judged.

The file REACH names what else may be reached, ``network [port]`` a line; it is read again whenever it is needed.
Where the kernel cannot do this, the command runs without a fence, and :func:`holds` in it says so. Of this house
``zones`` alone is imported, which needs the standard library only: the fence has to stand before anything else runs.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import ipaddress
import os
import platform
import select
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import NamedTuple, NoReturn

from probes.net.address_scope import AddressScope, address_scope

ALLOWED_NETWORKS_FILE = "reach"
"""What the file REACH is called."""

_VARIABLE = "PORTAL_MONITOR_FENCED"

_ARCHITECTURES = {"x86_64": (0xC000003E, 317, 42, 44), "aarch64": (0xC00000B7, 277, 203, 206)}
"""AUDIT_ARCH, and the numbers of seccomp, connect and sendto (linux/audit.h, asm/unistd.h)."""

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_SET_MODE_FILTER, _NEW_LISTENER = 1, 8
_ALLOW, _ERRNO, _USER_NOTIF = 0x7FFF0000, 0x00050000, 0x7FC00000
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_CONTINUE = 1

_NOTIFICATION = struct.Struct("=QII iIQ6Q")
"""struct seccomp_notif: id, pid, flags, and the call: nr, arch, instruction pointer, six arguments."""

_NOTIFICATION_RESPONSE = struct.Struct("=QqiI")
"""struct seccomp_notif_resp: id, value, error, flags."""

_IOCTL_RECEIVE, _IOCTL_SEND, _IOCTL_ID_VALID = 0xC0502100, 0xC0182101, 0x40082102
_NAME_SERVER_PORT = 53
_MAX_SOCKADDR_BYTES = 128

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class _BpfProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


class Peer(NamedTuple):
    """Where somebody wants to connect to."""

    address: IpAddress
    port: int


def is_allowed(peer: Peer, allowed_networks: str, resolv_conf: str = "") -> bool:
    """Whether a connection is let pass. ``reach`` and ``resolver`` are the texts of REACH and of resolv.conf."""
    if address_scope(str(peer.address)) is AddressScope.PUBLIC:
        return True
    for line in allowed_networks.splitlines():
        network, _, port = line.strip().partition(" ")
        if network and peer.address in ipaddress.ip_network(network) and port in {"", str(peer.port)}:
            return True
    asked = [line.split()[1] for line in resolv_conf.splitlines() if line.startswith("nameserver") and line.split()[1:]]
    return peer.port == _NAME_SERVER_PORT and str(peer.address) in {one.partition("%")[0] for one in asked}


def parse_sockaddr(raw: bytes) -> Peer | None:
    """A socket address as the kernel takes it; None for what leaves no machine. Raises ValueError for anything else."""
    (family,) = struct.unpack_from("=H", raw)
    if family in {socket.AF_UNSPEC, socket.AF_UNIX, socket.AF_NETLINK}:
        return None
    if family == socket.AF_INET:
        port, packed = struct.unpack_from("!H4s", raw, 2)
        return Peer(ipaddress.IPv4Address(packed), port)
    if family == socket.AF_INET6:
        port, packed = struct.unpack_from("!H4x16s", raw, 2)
        address = ipaddress.IPv6Address(packed)
        return Peer(address.ipv4_mapped or address, port)
    raise ValueError(family)


def is_active() -> bool:
    """Whether this process stands behind a fence."""
    return os.environ.get(_VARIABLE) == "1"


def _install_filter() -> int:
    """Put this process and all below it behind the fence; returns the descriptor on which its connections are told."""
    if platform.machine() not in _ARCHITECTURES:
        raise OSError(errno.ENOSYS, "seccomp")
    arch, seccomp, connect, sendto = _ARCHITECTURES[platform.machine()]
    code = [
        (_LOAD, 0, 0, 4),  # of which processor
        (_EQUAL, 1, 0, arch),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_LOAD, 0, 0, 0),  # which call
        (_EQUAL, 6, 0, connect),
        (_EQUAL, 0, 4, sendto),
        (_LOAD, 0, 0, 48),  # to a named address? both halves of the fifth argument
        (_EQUAL, 0, 3, 0),
        (_LOAD, 0, 0, 52),
        (_EQUAL, 0, 1, 0),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _USER_NOTIF),
    ]
    packed = b"".join(struct.pack("=HBBI", *step) for step in code)
    program = _BpfProgram(len(code), packed)
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((_PR_SET_NO_NEW_PRIVS, 1), (_PR_SET_PDEATHSIG, signal.SIGKILL)):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
    found = int(libc.syscall(seccomp, _SET_MODE_FILTER, _NEW_LISTENER, ctypes.byref(program)))
    if found < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return found


def _handle_connection(listener: int, allowed_networks_file: Path) -> None:
    """Take one connection that is held, and let it go or refuse it as a firewall would."""
    held = bytearray(_NOTIFICATION.size)
    try:
        fcntl.ioctl(listener, _IOCTL_RECEIVE, held)
    except OSError:  # whoever asked is gone
        return
    number, process, _, call, _, _, *arguments = _NOTIFICATION.unpack(bytes(held))
    where, length = (arguments[4], arguments[5]) if call == _ARCHITECTURES[platform.machine()][3] else arguments[1:3]
    try:
        peer = parse_sockaddr(_read_memory(process, where, min(length, _MAX_SOCKADDR_BYTES)))
        passes = peer is None or is_allowed(
            peer, _read_text(allowed_networks_file), _read_text(Path("/etc/resolv.conf"))
        )
    except (OSError, ValueError, struct.error):
        passes = False
    answer = _NOTIFICATION_RESPONSE.pack(number, 0, 0 if passes else -errno.EACCES, _CONTINUE if passes else 0)
    try:
        fcntl.ioctl(listener, _IOCTL_ID_VALID, struct.pack("=Q", number))
        fcntl.ioctl(listener, _IOCTL_SEND, bytearray(answer))
    except OSError:
        return


def _read_memory(process: int, address: int, length: int) -> bytes:
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as file:
        file.seek(address)
        return file.read(length)


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""


def _supervise(listener: int | None, child: int, allowed_networks_file: Path) -> NoReturn:
    """Judge connections until the command has ended, and end as it did."""
    ended = os.pidfd_open(child)
    waiting = select.poll()
    if listener is not None:
        waiting.register(listener, select.POLLIN)
    waiting.register(ended, select.POLLIN)
    while True:
        for descriptor, event in waiting.poll():
            if listener is not None and descriptor == listener and event & select.POLLIN:
                _handle_connection(listener, allowed_networks_file)
            elif descriptor == ended:
                status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                os._exit(status if status >= 0 else 128 - status)
            else:
                waiting.unregister(descriptor)


def main() -> NoReturn:
    """Start the command behind the fence, and stand at the gate."""
    reach, command = Path(sys.argv[1]), sys.argv[2:]
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            _start_command(theirs, command)
        finally:
            os._exit(127)
    theirs.close()
    _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    ours.close()
    _supervise(descriptors[0] if descriptors else None, child, reach)


def _start_command(channel: socket.socket, command: list[str]) -> NoReturn:
    """In the child: hand the gate over, and become the command."""
    try:
        socket.send_fds(channel, [b"1"], [_install_filter()])
        os.environ[_VARIABLE] = "1"
    except OSError:
        channel.send(b"0")
    os.execv(command[0], command)  # noqa: S606 - the daemon's own words


if __name__ == "__main__":
    main()
