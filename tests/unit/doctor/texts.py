"""Copies of mountinfo, as a real dockerd 20.10 left them, and small hosts put together from such lines."""

from netmend.doctor.diagnose import diagnose
from netmend.doctor.pasted import observe_copies
from netmend.ground.finding import Finding

# `ip netns add h1` on the host, then containers a (-v /run/netns:/run/netns) and b (…:shared), which made t1 and t2.
HOST = """\
215 214 254:0 / / rw,relatime shared:23 - ext4 /dev/vda rw
217 215 0:21 / /proc rw,relatime shared:26 - proc proc rw
116 215 0:55 / /run rw,relatime shared:45 - tmpfs tmpfs rw,mode=755
169 116 0:55 /netns /run/netns rw,relatime shared:45 - tmpfs tmpfs rw,mode=755
170 169 0:4 net:[4026532395] /run/netns/h1 rw shared:47 - nsfs nsfs rw
171 116 0:4 net:[4026532395] /run/netns/h1 rw shared:47 - nsfs nsfs rw
275 116 0:4 net:[4026532542] /run/docker/netns/2791d7de3f67 rw shared:54 - nsfs nsfs rw
118 116 0:4 net:[4026532398] /run/docker/netns/default rw shared:56 - nsfs nsfs rw
256 116 0:4 net:[4026532958] /run/netns/t2 rw shared:61 - nsfs nsfs rw
258 169 0:4 net:[4026532958] /run/netns/t2 rw shared:61 - nsfs nsfs rw
"""
A = """\
152 117 0:58 / / rw,relatime master:46 - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w
153 152 0:49 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
240 152 0:55 /netns /run/netns rw,relatime shared:57 - tmpfs tmpfs rw,mode=755
245 240 0:4 net:[4026532395] /run/netns/h1 rw shared:58 - nsfs nsfs rw
246 152 254:0 /data/containers/65e3/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/vda rw
124 240 0:4 net:[4026532611] /run/netns/t1 rw shared:59 - nsfs nsfs rw
"""
B = """\
285 280 0:59 / / rw,relatime master:46 - overlay overlay rw,lowerdir=/l,upperdir=/v,workdir=/x
302 285 0:55 /netns /run/netns rw,relatime shared:45 - tmpfs tmpfs rw,mode=755
303 302 0:4 net:[4026532395] /run/netns/h1 rw shared:47 - nsfs nsfs rw
255 302 0:4 net:[4026532958] /run/netns/t2 rw shared:61 - nsfs nsfs rw
"""


def container(flags: str, *names: tuple[str, int], root: str = "/netns", base: int = 500) -> str:
    """A container with the host's /run/netns, mounted with these optional fields, and names with their inodes."""
    lines = [
        f"{base} 1 0:{base} / / rw - overlay overlay rw,upperdir=/u{base}",
        " ".join(f"{base + 1} {base} 0:55 {root} /run/netns rw {flags} - tmpfs tmpfs rw,mode=755".split()),
    ]
    lines += [
        f"{base + 2 + i} {base + 1} 0:4 net:[{inode}] /run/netns/{name} rw - nsfs nsfs rw"
        for i, (name, inode) in enumerate(names)
    ]
    return "\n".join(lines) + "\n"


def diagnosed(**copies: str) -> list[Finding]:
    return diagnose(observe_copies({label: (f"{label}.txt", text.encode()) for label, text in copies.items()}))
