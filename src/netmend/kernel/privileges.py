"""What this process may do, given up for good: capabilities (capabilities(7)), new privileges, dangerous system calls.

Everything here is of the calling thread, and of threads that it starts afterwards: call it before there are others.
"""

import ctypes
import os
import platform
import struct
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

from netmend.kernel.errors import KernelError

CAPABILITIES: Final[Mapping[str, int]] = {  # linux/capability.h
    "CAP_CHOWN": 0,
    "CAP_DAC_OVERRIDE": 1,
    "CAP_DAC_READ_SEARCH": 2,
    "CAP_FOWNER": 3,
    "CAP_KILL": 5,
    "CAP_NET_BIND_SERVICE": 10,
    "CAP_NET_BROADCAST": 11,
    "CAP_NET_ADMIN": 12,
    "CAP_NET_RAW": 13,
    "CAP_SYS_PTRACE": 19,
    "CAP_SYS_ADMIN": 21,
}
_VERSION: Final = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
_HEADER: Final = struct.Struct("Ii")  # struct __user_cap_header_struct
_DATA: Final = struct.Struct("6I")  # struct __user_cap_data_struct, twice: effective, permitted, inheritable
_PR_CAPBSET_DROP: Final = 24  # linux/prctl.h
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2
_RET_ALLOW: Final = 0x7FFF0000  # linux/seccomp.h
_RET_ERRNO: Final = 0x00050000
_EPERM: Final = 1
_LOAD_WORD, _JUMP_IF_EQUAL, _JUMP_IF_GREATER, _RETURN = 0x20, 0x15, 0x25, 0x06  # linux/bpf_common.h
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
_INSTRUCTION: Final = struct.Struct("HBBI")  # struct sock_filter

# System calls that netmend never makes and an attacker would: code of others run or loaded, other processes and the
# kernel changed, the clock set. By machine: AUDIT_ARCH_* (linux/audit.h), and numbers (asm/unistd.h).
_FORBIDDEN: Final[Mapping[str, tuple[int, Mapping[str, int]]]] = {
    "x86_64": (
        0xC000003E,
        {
            "ptrace": 101, "execve": 59, "execveat": 322, "init_module": 175, "finit_module": 313, "delete_module": 176,
            "kexec_load": 246, "kexec_file_load": 320, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
            "process_vm_readv": 310, "process_vm_writev": 311, "keyctl": 250, "add_key": 248, "request_key": 249,
            "settimeofday": 164, "clock_settime": 227, "adjtimex": 159, "clock_adjtime": 305, "reboot": 169,
            "swapon": 167, "swapoff": 168, "acct": 163, "quotactl": 179, "iopl": 172, "ioperm": 173, "modify_ldt": 154,
            "open_by_handle_at": 304, "pivot_root": 155, "chroot": 161, "syslog": 103, "personality": 135,
            "io_uring_setup": 425, "setuid": 105, "setgid": 106, "setresuid": 117, "setresgid": 119,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "ptrace": 117, "execve": 221, "execveat": 281, "init_module": 105, "finit_module": 273,
            "delete_module": 106, "kexec_load": 104, "kexec_file_load": 294, "bpf": 280, "perf_event_open": 241,
            "userfaultfd": 282, "process_vm_readv": 270, "process_vm_writev": 271, "keyctl": 219, "add_key": 217,
            "request_key": 218, "settimeofday": 170, "clock_settime": 112, "adjtimex": 171, "clock_adjtime": 266,
            "reboot": 142, "swapon": 224, "swapoff": 225, "acct": 89, "quotactl": 60, "open_by_handle_at": 265,
            "pivot_root": 41, "chroot": 51, "syslog": 116, "personality": 92, "io_uring_setup": 425, "setuid": 146,
            "setgid": 144, "setresuid": 147, "setresgid": 149,
        },
    ),
}  # fmt: skip
_X32: Final = 0x40000000  # x86_64's third set of numbers (asm/unistd.h, __X32_SYSCALL_BIT)
_libc = ctypes.CDLL(None, use_errno=True)


def held() -> frozenset[str]:
    """The capabilities of CAPABILITIES that are in force (capget(2)). Raises KernelError."""
    data = ctypes.create_string_buffer(_DATA.size)
    if _libc.capget(_HEADER.pack(_VERSION, 0), data) != 0:
        raise KernelError("read", "capabilities", ctypes.get_errno())
    low, _, _, high, _, _ = _DATA.unpack(data.raw)
    effective = low | high << 32
    return frozenset(name for name, number in CAPABILITIES.items() if effective >> number & 1)


def keep_only(names: Collection[str]) -> None:
    """Give up every capability but these, for this thread and all that it will start or execute; no exec gains any.

    Raises KernelError.
    """
    keep = sum(1 << CAPABILITIES[name] for name in names if name in held())
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for number in range(last + 1):
        if not keep >> number & 1:
            _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)  # EPERM without CAP_SETPCAP: no_new_privs has to do
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    low, high = keep & 0xFFFFFFFF, keep >> 32
    _check(_libc.capset(_HEADER.pack(_VERSION, 0), _DATA.pack(low, low, 0, high, high, 0)), "capabilities")


def forbid_system_calls() -> bool:
    """Make the calls of _FORBIDDEN fail with EPERM, in this thread and those that it will start (seccomp(2)).

    False where this machine or its kernel has no such filter. Needs no_new_privs (`keep_only`).
    """
    if platform.machine() not in _FORBIDDEN:
        return False
    architecture, calls = _FORBIDDEN[platform.machine()]
    numbers = sorted(calls.values())
    count = len(numbers)
    # each jump counts the instructions that it skips; the last two return
    program = [
        (_LOAD_WORD, 0, 0, _ARCHITECTURE),
        (_JUMP_IF_EQUAL, 0, count + 3, architecture),  # another set of numbers: refuse all
        (_LOAD_WORD, 0, 0, _NUMBER),
        (_JUMP_IF_GREATER, count + 1, 0, _X32 - 1),
        *((_JUMP_IF_EQUAL, count - position, 0, number) for position, number in enumerate(numbers)),
        (_RETURN, 0, 0, _RET_ALLOW),
        (_RETURN, 0, 0, _RET_ERRNO | _EPERM),
    ]
    code = ctypes.create_string_buffer(b"".join(_INSTRUCTION.pack(*one) for one in program))
    filter_program = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))  # struct sock_fprog
    return bool(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, filter_program, 0, 0) == 0)


def _check(result: int, target: str) -> None:
    if result != 0:
        raise KernelError("give up", target, ctypes.get_errno())


def needs_override(read: Iterable[Path], write: Iterable[Path]) -> bool:
    """Whether the permissions of these files and directories keep out a root without CAP_DAC_OVERRIDE.

    Such as a file of an ordinary user that a container has mounted. What is not there yet is judged by what is above.
    """
    wanted = [(path, 4) for path in read] + [(path, 7 if path.is_dir() else 6) for path in write]
    for path, bits in wanted:
        found = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
        if not _allows(found, bits if found == path.absolute() else 7) or not all(
            _allows(parent, 1) for parent in found.parents
        ):
            return True
    return False


def _allows(path: Path, bits: int) -> bool:
    """What path_resolution(7) says of the bits that are `rwx` as a number."""
    found = path.stat()
    if found.st_uid == os.geteuid():
        mode = found.st_mode >> 6
    elif found.st_gid == os.getegid() or found.st_gid in os.getgroups():
        mode = found.st_mode >> 3
    else:
        mode = found.st_mode
    return mode & bits == bits
