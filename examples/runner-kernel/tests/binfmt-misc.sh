#!/bin/sh
# SPDX-License-Identifier: MIT
# Programs of another kind are run by the interpreter that is registered for them, as qemu-user is.
. ./tests/lib.sh

mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
printf '#!/bin/sh\necho "interpreted: $(tail -n 1 "$1")"\n' >$work/interpreter
chmod +x $work/interpreter
echo ":runner:M::RUNR::$work/interpreter:" >/proc/sys/fs/binfmt_misc/register
printf 'RUNR\npayload\n' >$work/program
chmod +x $work/program
test "$(busybox env $work/program)" = "interpreted: payload"
echo -1 >/proc/sys/fs/binfmt_misc/runner
refused busybox env $work/program
