"""What each format of a log line looks like, as regular expressions on bytes."""

from __future__ import annotations

import re

from netmend.forensics.clocks import ERLANG as ERLANG_STAMP
from netmend.forensics.clocks import KLOG as KLOG_STAMP

ANSI = re.compile(rb"\x1b\[[0-9;]*m")
OSLO = re.compile(
    rb"(?:[T ]?\s+(?P<pid>\d+))?\s+(?P<level>TRACE|DEBUG|INFO|AUDIT|WARNING|WARN|ERROR|CRITICAL)\s+"
    rb"(?P<logger>[A-Za-z_][\w.\-]*)(?:\s(?P<context>\[[^\]]*\])(?: ?\[instance: [^\]]*\])?)?(?: (?P<message>.*)|$)",
    re.DOTALL,
)
OVS = re.compile(rb"\|\d+\|(?P<module>[^|]{1,64})\|(?P<level>EMER|ERR|WARN|INFO|DBG)\|(?P<message>.*)", re.DOTALL)
OVS_SYSLOG = re.compile(
    rb"ovs\|\d+\|(?P<module>[^|]{1,64})\|(?P<level>EMER|ERR|WARN|INFO|DBG)\|(?P<message>.*)", re.DOTALL
)
CONSOLE = re.compile(
    rb"\s+\[(?P<level>debug|info|notice|warning|warn|error|critical|exception)\s*\]\s+(?P<message>.*)", re.DOTALL
)
LOGFMT = re.compile(
    rb'time="?[^" ]+"? level=(?P<level>\w+) msg=(?P<message>"(?:[^"\\]|\\.)*"|\S*)(?P<rest>.*)', re.DOTALL
)
KEY_VALUE = re.compile(rb"\b(?:timestamp|ts|time)='?\d{4}-\d\d-\d\d")
KV_AGENT = re.compile(rb"\bagent=['\"]?([\w.-]+)")
KV_LEVEL = re.compile(rb"\b(?:level|lvl)='?\"?(\w+)")
KV_EVENT = re.compile(rb"\b(?:event|msg)=(?:'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|(\S+))")
WRITER = (
    rb"(?:(?P<host>\S*[^\s:]) |(?=[^\s:\[]+\[\d+\]:|kernel:))"
    rb"(?P<writer>[^\s:\[]+)(?:\[(?P<pid>\d+)\])?:(?: |$)(?P<message>.*)"
)
"""Host (which `journalctl --no-hostname` leaves out), writer with its process, message."""

SHORT = re.compile(rb"(?:<(?P<priority>\d{1,3})>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)? " + WRITER, re.DOTALL)
SHORT_ISO = re.compile(
    rb"(?:(?P<host>[A-Za-z0-9][\w.\-]*) |(?=[A-Za-z_@][^\s:\[]*\[\d+\]:|kernel:))"
    rb"(?P<writer>[A-Za-z_@][^\s:\[]*)(?:\[(?P<pid>\d+)\])?:(?: |$)(?P<message>.*)",
    re.DOTALL,
)
SHORT_FULL = re.compile(rb"[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})? \S{1,6} " + WRITER, re.DOTALL)
SHORT_UNIX = re.compile(rb"\d{9,11}\.\d{1,9} " + WRITER, re.DOTALL)
MONOTONIC = re.compile(rb"\S+ (?P<writer>kernel|[A-Za-z_@(][^\s:\[]*\[\d+\]): (?P<message>.*)", re.DOTALL)
EXPORTED = re.compile(rb"@\d+ (?P<priority>\S*) (?P<host>\S*) (?P<writer>.*?)\[\d+\]: (?P<message>.*)", re.DOTALL)
RFC5424 = re.compile(
    rb"(?:\d{1,6} (?=<))?(?:<(?P<priority>\d{1,3})>|(?=1 \d{4}-))1 "
    rb"(?P<stamp>\S+) (?P<host>\S+) (?P<writer>\S+) (?P<pid>\S+) (?P<id>\S+) "
    rb'(?:-|(?:\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\])+)(?: (?:\xef\xbb\xbf)?(?P<message>.*)|$)',
    re.DOTALL,
)
PRIORITY = re.compile(rb"<(?P<priority>\d{1,3})>(?=[A-Za-z0-9])")
DMESG = re.compile(rb"(?:<(?P<priority>\d{1,3})>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?(?P<message>.*)", re.DOTALL)
CTIME = rb"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})? \d{4}"
DMESG_T = re.compile(rb"(?:<\d{1,3}>)?\[" + CTIME + rb"\](?! \[) ?(?P<message>.*)", re.DOTALL)
DMESG_H = re.compile(rb"\[ *\+\d+\.\d{6}\] ")
"""`dmesg -H`: the seconds since the line above; now and then, a minute instead."""

DECODED = re.compile(rb"[a-z0-9]{1,8} *:(?P<level>[a-z]{1,8}) *: (?=\[|\d{4}-)")
"""What `dmesg --decode` puts before each line: facility and level."""

DMESG_ISO = re.compile(rb"(?P<stamp>\d{4}-\d\d-\d\dT[\d:]{8},\d{6}[+-]\d\d:\d\d) (?P<message>.*)", re.DOTALL)
APACHE = re.compile(rb"\[" + CTIME + rb"\] \[(?P<module>[\w:.-]+)\](?: \[[^\]]*\])* ?(?P<message>.*)", re.DOTALL)
KEEPALIVED = re.compile(CTIME + rb": (?P<message>.*)", re.DOTALL)
KLOG = re.compile(KLOG_STAMP.pattern + rb" +(?P<thread>\d+) (?P<at>[^\s\]]+:\d+)\] ?(?P<message>.*)", re.DOTALL)
ERLANG = re.compile(rb"=(?P<level>[A-Z]+) REPORT==== " + ERLANG_STAMP.pattern + rb" ===\s*(?P<message>.*)", re.DOTALL)
LAGER = re.compile(rb"\s+\[(?P<level>\w+)\] (?P<process><[\d.]+>) ?(?P<message>.*)", re.DOTALL)
MARIADB = re.compile(rb" (?P<thread>\d+) \[(?P<level>Note|Warning|ERROR|System)\] (?P<message>.*)", re.DOTALL)
ACCESS = re.compile(rb"\S+ \S+ \S+ \[(?P<stamp>\d\d/[A-Z][a-z]{2}/\d{4}:[^\]]+)\] (?P<message>.*)", re.DOTALL)
PYTHON = re.compile(
    rb"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL):(?P<logger>[A-Za-z_][\w.]*):(?P<message>.*)", re.DOTALL
)
CRI = re.compile(rb" (?:stdout|stderr) [FP] ?(?P<message>.*)", re.DOTALL)
LOGCLI = re.compile(rb" (?P<labels>\{[A-Za-z_]\w*=\"[^}]*\}) ?(?P<message>.*)", re.DOTALL)
FLUENTD = re.compile(rb"[\t ](?P<writer>[^\s:]{1,200})(?:\t|: )(?P<message>\{.*)", re.DOTALL)
"""fluentd: stamp, tag and record, with tabs between (`out_file`) or blanks, and a colon after the tag (stdout)."""
LABEL = re.compile(rb"\b(?:container|container_name|app|service_name|job|unit|pod|filename)=\"([^\"]*)\"")
EVENT = re.compile(
    rb"(?:(?P<age>\d+[smhd]\w{0,8})(?: \(x\d+ over \w+\))?\s+)?(?P<type>Normal|Warning)\s+(?P<reason>[A-Z]\w+)\s+"
    rb"(?:(?P<age_after>\d+[smhd]\w{0,8})(?: \(x\d+ over \w+\))?\s+)?(?P<writer>\S+)\s+(?P<message>.*)",
    re.DOTALL,
)
"""`kubectl get events`, and the events at the end of `kubectl describe`: ages, no stamps."""
EVENTS_HEAD = re.compile(rb"LAST SEEN +TYPE +REASON|\s*Type +Reason +Age +From|\s*-{4} +-{6}")
NOTE = re.compile(
    rb"-- |\xe2\x96\x91\xe2\x96\x91|==> .{1,400} <==$|Hint: You are currently not seeing|[+-] \S+ \xe2\x80\xba \S+$"
)
"""Lines of the tools that print logs: journalctl, tail, stern."""

PREFIXES = tuple(
    re.compile(expression, re.DOTALL)
    for expression in (
        rb"\[(?:pod/)?(?P<pod>[a-z0-9][a-z0-9.-]*)[/ ](?P<writer>[a-z0-9][a-z0-9-]*)\] (?P<message>.*)",
        rb"(?P<writer>[A-Za-z0-9][\w.@-]{0,120}) +\| ?(?P<message>.*)",
        rb"[a-z0-9.-]+/(?P<pod>[a-z0-9][a-z0-9.-]*)\[(?P<writer>[a-z0-9][a-z0-9-]*)\]: (?P<message>.*)",
        rb"(?P<writer>(?:[\w.@-]*/[\w./@-]+|[\w.@-]+\.(?:log|txt|out)[\w.-]*|messages|syslog))[:-](?:\d{1,9}(?::|-(?!\d\d-)))?(?P<message>.*)",
        rb"\d{1,9}(?::|-(?!\d\d-))(?P<message>.*)",
        rb"(?:[a-z][a-z0-9.-]+ )?(?P<pod>[a-z][a-z0-9.-]+) (?P<writer>[a-z][a-z0-9-]*) (?P<message>.*)",
    )
)
"""What tools put before each line: `kubectl logs --prefix` and kubetail, `docker compose logs` and `docker service
logs`, kail, `grep -H`, `grep -n`, stern (with a namespace or without)."""

REPEATED = re.compile(rb"message repeated (?P<times>\d{1,9}) times: \[ ?(?P<message>.*)\]$", re.DOTALL)
"""rsyslog, when it reduces repeated messages (Ubuntu's default)."""

STAMP = re.compile(rb"\d:\d\d:\d\d|\{|\[ *\d+\.\d{6}\]")
"""Something that a format with a stamp may have; most lines in no format have nothing of the kind."""

WORD = re.compile(
    rb"(?:^|[\s\[(<|])(debug|info|notice|warning|warn|error|err|critical|fatal|panic)(?=[\s\]):|>,]|$)", re.IGNORECASE
)
