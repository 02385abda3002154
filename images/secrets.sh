#!/bin/sh
# `make secrets`: make what is secret, once. What is there is left as it is. The folder is closed; the files can be read by the
# accounts in the containers that get them.
set -eu
folder=${LABKIT_SECRETS:-$(dirname "$0")/../secrets}
mkdir -p "$folder"
chmod 0700 "$folder"
word() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
keep() {
  [ -s "$folder/$1" ] && return
  printf %s "$2" >"$folder/$1.new"
  chmod 0444 "$folder/$1.new"
  mv "$folder/$1.new" "$folder/$1"
}
keep proxy_token "$(word)"
keep postgres_password "$(word)"
keep store_key "labkit,$(word)"
echo "The secrets are in $folder."
