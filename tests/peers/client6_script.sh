#!/bin/sh
# What dhclient -6 and dhcpcd call when something happened: $reason says what. Each call leaves its environment in a
# file. dhclient is told once that somebody else has its address (3, dhclient-script(8)) if the file `declines` is there.
home=${0%/*}
set -- "$home"/*.environ
[ -e "$1" ] || shift
number=$(printf %06d $#)
{
  cat /proc/self/environ
  printf 'event=%s\0at=\0' "$reason"
} >"$home/$number.new"
mv "$home/$number.new" "$home/$number.environ"
if [ "$reason" = BOUND6 ] && [ -e "$home/declines" ]; then
  rm "$home/declines"
  exit 3
fi
exit 0
