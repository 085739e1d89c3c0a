# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the tests of `vmrig kernel build` on a real source have in common.
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2034
source=debian:linux-source-6.12 recipe=(--base tinyconfig --fragment guest)
unset VMRIG_KERNEL KBUILD_OUTPUT

# The sums of what lies in an entry of the cache beside the image $1.
sums_of() {
	(cd "$(dirname "$1")" && sha256sum vmlinu* System.map-* config-*)
}
