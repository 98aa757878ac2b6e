"""The egress filter: start a process tree that can reach only the public Internet and the allowed networks.

``python -E -s -S -m probes.browser.egress_filter FILE COMMAND``: the kernel holds every connection that the command or
anything below it opens (seccomp user notification, Linux 5.5 and newer) until this process has checked its address. A
connection costs some tens of microseconds more and then runs unchanged, so measured values stay the same, which a proxy
would change. DNS does not matter, since the address itself is checked.

FILE lists what else may be reached, ``network [port]`` a line; it is read again for each connection. Where the kernel
does not support this, the command runs without a filter, and :func:`is_active` returns False in it. Only
``address_scope`` is imported, which needs only the standard library: the filter starts before anything else.
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

ALLOWED_NETWORKS_FILE = "allowed_networks"
"""Name of FILE."""

_FILTERED_VARIABLE = "PORTAL_MONITOR_EGRESS_FILTERED"

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
    """Hold the target of a connection."""

    address: IpAddress
    port: int


def is_allowed(peer: Peer, allowed_networks: str, resolv_conf: str = "") -> bool:
    """Return whether a connection is allowed. *allowed_networks* is the text of FILE."""
    if address_scope(str(peer.address)) is AddressScope.PUBLIC:
        return True
    for line in allowed_networks.splitlines():
        network, _, port = line.strip().partition(" ")
        if network and peer.address in ipaddress.ip_network(network) and port in {"", str(peer.port)}:
            return True
    lines = [line.split() for line in resolv_conf.splitlines() if line.startswith("nameserver")]
    name_servers = {words[1].partition("%")[0] for words in lines if words[1:]}
    return peer.port == _NAME_SERVER_PORT and str(peer.address) in name_servers


def parse_sockaddr(raw: bytes) -> Peer | None:
    """Parse a socket address as the kernel does; None for local families. Raises ValueError for other families."""
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
    """Return whether this process runs under the filter."""
    return os.environ.get(_FILTERED_VARIABLE) == "1"


def _install_filter() -> int:
    """Filter this process and all below it; return the descriptor that receives its connections."""
    if platform.machine() not in _ARCHITECTURES:
        raise OSError(errno.ENOSYS, "seccomp")
    arch, seccomp, connect, sendto = _ARCHITECTURES[platform.machine()]
    code = [
        (_LOAD, 0, 0, 4),  # the architecture
        (_EQUAL, 1, 0, arch),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_LOAD, 0, 0, 0),  # the system call
        (_EQUAL, 6, 0, connect),
        (_EQUAL, 0, 4, sendto),
        (_LOAD, 0, 0, 48),  # with an address? both halves of the fifth argument
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
    """Receive one held connection, and allow it or refuse it with EACCES."""
    held = bytearray(_NOTIFICATION.size)
    try:
        fcntl.ioctl(listener, _IOCTL_RECEIVE, held)
    except OSError:  # the process that connects is gone
        return
    number, process, _, call, _, _, *arguments = _NOTIFICATION.unpack(bytes(held))
    pointer, length = (arguments[4], arguments[5]) if call == _ARCHITECTURES[platform.machine()][3] else arguments[1:3]
    try:
        peer = parse_sockaddr(_read_memory(process, pointer, min(length, _MAX_SOCKADDR_BYTES)))
        allowed = peer is None or is_allowed(
            peer, _read_text(allowed_networks_file), _read_text(Path("/etc/resolv.conf"))
        )
    except (OSError, ValueError, struct.error):
        allowed = False
    response = _NOTIFICATION_RESPONSE.pack(number, 0, 0 if allowed else -errno.EACCES, _CONTINUE if allowed else 0)
    try:
        fcntl.ioctl(listener, _IOCTL_ID_VALID, struct.pack("=Q", number))
        fcntl.ioctl(listener, _IOCTL_SEND, bytearray(response))
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
    """Check connections until the command has ended, and exit with its status."""
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
    """Start the command under the filter, and check its connections."""
    allowed_networks_file, command = Path(sys.argv[1]), sys.argv[2:]
    channel, child_channel = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            _start_command(child_channel, command)
        finally:
            os._exit(127)
    child_channel.close()
    _, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
    channel.close()
    _supervise(descriptors[0] if descriptors else None, child, allowed_networks_file)


def _start_command(channel: socket.socket, command: list[str]) -> NoReturn:
    """In the child: install the filter, pass its descriptor to the parent, and execute the command."""
    try:
        socket.send_fds(channel, [b"1"], [_install_filter()])
        os.environ[_FILTERED_VARIABLE] = "1"
    except OSError:
        channel.send(b"0")
    os.execv(command[0], command)  # noqa: S606 - the daemon's own command line


if __name__ == "__main__":
    main()
