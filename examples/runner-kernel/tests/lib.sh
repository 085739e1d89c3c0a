# SPDX-License-Identifier: MIT
# What the feature tests share. A test fails at its first failing command (-e), or by fail.
set -eu

fail() {
	echo "$*" >&2
	exit 1
}

# The command fails, as it should.
refused() {
	if "$@" 2>/dev/null; then
		fail "not refused: $*"
	fi
}

# A kernel that has it as a module, as distributions' have, is given it.
module() {
	modprobe -q "$1" 2>/dev/null || true
}

# A writable filesystem of its own, at $work: what is tested may not work on the guest's root.
work=/run/feature
mkdir -p $work
mount -t tmpfs -o size=96M none $work
