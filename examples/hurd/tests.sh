#!/bin/sh
# SPDX-License-Identifier: MIT
# What is tried in the system: what the guide's phases try that needs no network. Results go to the file $1.
out=$1 bad=0
: >"$out"

check() {
	name=$1
	shift
	if "$@" >/dev/null 2>&1; then
		echo "ok $name" | tee -a "$out"
	else
		echo "FAILED $name" | tee -a "$out"
		bad=1
	fi
}

check "the system tells its name" uname -s
check "users are known" id root
check "files are written and read" sh -c 'echo hello >/tmp/t && grep -q hello /tmp/t && rm /tmp/t'
check "folders and links" sh -c 'mkdir /tmp/d && ln -s d /tmp/l && test -d /tmp/l && rm /tmp/l && rmdir /tmp/d'
check "processes and pipes" sh -c 'seq 100 | wc -l | grep -q 100'
check "packages are known" dpkg-query -W libc-bin
if [ "$(uname -s)" = GNU ]; then
	check "translators are shown" showtrans /dev/null
	check "the file system's settings are told" fsysopts /
	check "servers are there" test -e /servers/exec
fi
exit $bad
