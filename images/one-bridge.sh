#!/bin/sh
# One network for all students instead of one for each: for more than about sixty servers at a time (docs/containers.md).
#
#   sudo images/one-bridge.sh up      make the network and the rules; again after each reboot of the host or restart of Docker
#   sudo images/one-bridge.sh down    remove both
#
# Students' containers do not see each other (no traffic between containers), but hub and proxy see all, and they see of hub and
# proxy the two ports that they need. The host has no address on the network, and nothing leads out of it.
set -eu
prefix=${LABKIT_PREFIX:-labkit}
net=${LABKIT_BRIDGE_SUBNET:-10.215}
name=$prefix-students
bridge=${LABKIT_BRIDGE:-lk-students}
staff=$net.0.0/24 # hub and proxy; students get $net.16.0/20

rules() {
  # $1 is -C (is it there?), -I (first) or -D (remove). In this order, so that the last one stands first.
  iptables "$1" DOCKER-USER -i "$bridge" -o "$bridge" -d "$staff" -p tcp -m multiport --dports 8000,8081 -j ACCEPT
  iptables "$1" DOCKER-USER -i "$bridge" -o "$bridge" -s "$staff" -j ACCEPT
  iptables "$1" DOCKER-USER -i "$bridge" -o "$bridge" -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
}

case ${1:-} in
up)
  modprobe br_netfilter 2>/dev/null || true
  if ! sysctl -q -w net.bridge.bridge-nf-call-iptables=1; then
    echo "This kernel does not show bridged packets to iptables (br_netfilter): the rules would do nothing." >&2
    exit 1
  fi
  docker network inspect "$name" >/dev/null 2>&1 || docker network create --internal \
    --subnet "$net.0.0/19" --ip-range "$net.16.0/20" --label "labkit.caller=$prefix" \
    --opt com.docker.network.bridge.name="$bridge" --opt com.docker.network.bridge.enable_icc=false \
    --opt com.docker.network.bridge.inhibit_ipv4=true "$name" >/dev/null
  rules -D 2>/dev/null || true
  rules -I
  echo "The network $name is there. Start with: docker-compose -f docker-compose.yml -f images/one-bridge.yml up -d"
  ;;
down)
  rules -D 2>/dev/null || true
  docker network rm "$name" >/dev/null
  ;;
*)
  sed -n '2,9p' "$0" | sed 's/^# \{0,1\}//'
  exit 2
  ;;
esac
