#!/bin/sh
# udhcpc tells here what the DHCP server said.
[ "$1" = bound ] && ip addr add "$ip/${mask:-24}" dev "$interface"
exit 0
