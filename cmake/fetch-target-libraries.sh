#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Debian's static libpng, libjpeg-turbo and zlib for another processor, unpacked into a folder: what cross-built tools and
# tests link, so that the command can be copied to a machine that has none of them. Nothing is installed and the
# system's package lists stay as they are: apt works with lists, a cache and a status file of its own in a temporary
# folder. (Multiarch would install them properly, but refuses where one package of the two architectures is a security
# update apart.)
# Usage: cmake/fetch-target-libraries.sh arm64|armhf DIR
set -euo pipefail
packages=(libpng-dev libjpeg62-turbo-dev zlib1g-dev)
usage() { echo "usage: $0 arm64|armhf DIR" >&2; exit 2; }
[ $# -eq 2 ] || usage
case $1 in arm64 | armhf) ;; *) usage ;; esac
architecture=$1
mkdir -p "$2"
target=$(cd "$2" && pwd)
stamp=$target/$architecture.list
if [ -f "$stamp" ]; then echo "$target has them already: $(tr '\n' ' ' < "$stamp")"; exit 0; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,cache/archives/partial,deb}
: > "$work/status"
cat > "$work/apt.conf" <<CONF
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Sandbox::User "root";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
Acquire::Languages "none";
CONF
export APT_CONFIG=$work/apt.conf
# A list that a mirror has not finished copying is no reason to stop: the packages are in several.
apt-get update -qq || echo "some package lists failed; going on with the others" >&2
(cd "$work/deb" && apt-get download -qq "${packages[@]}")
for package in "$work"/deb/*.deb; do dpkg-deb -x "$package" "$target"; done
find "$target/usr/lib" -name '*.so' -delete  # links to libraries that were not fetched
(cd "$work/deb" && ls) > "$stamp"
echo "$target: $(tr '\n' ' ' < "$stamp")"
