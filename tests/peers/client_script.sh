#!/bin/sh
# What the clients call when something happened: udhcpc (the event is its argument), dhclient and dhcpcd ($reason).
# Each call leaves its environment in a file; udhcpc and dhclient leave the device to their script, dhcpcd does not.
event=${1:-$reason}
home=${0%/*}
set -- "$home"/*.environ
[ -e "$1" ] || shift
number=$(printf %06d $#)
{
  cat /proc/self/environ
  printf 'event=%s\0at=\0' "$event"
} >"$home/$number.new"
result=0
if [ -e "$home/sets-up-the-device" ]; then
  case $event in
  deconfig | PREINIT | EXPIRE | FAIL | RELEASE | STOP)
    @BUSYBOX@ ip link set dev "$interface" up
    @BUSYBOX@ ip -4 addr flush dev "$interface"
    ;;
  bound | BOUND | REBOOT)
    # As Debian's clients do when asked to: an address that answers is in use, and the client declines it.
    if [ -e "$home/looks-for-conflicts" ] && ! @BUSYBOX@ arping -q -D -c 2 -w 2 -I "$interface" "${ip:-$new_ip_address}"; then
      result=1
    else
      @BUSYBOX@ ip -4 addr flush dev "$interface"
      @BUSYBOX@ ip addr add "${ip:-$new_ip_address}/${mask:-$new_subnet_mask}" dev "$interface"
    fi
    ;;
  TIMEOUT) result=1 ;;
  esac
fi
mv "$home/$number.new" "$home/$number.environ"
exit $result
