/* SPDX-License-Identifier: MIT */
/* What is changed on a machine: each step is told, and done where that is wanted. */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"
#include "doctor/private.h"

#define NODE      "/dev/kvm"
#define FILE_MAX  65536
#define FILE_MODE 0644
#define NODE_MODE 0660

char *doctor_udev_rule(const char *mode)
{
	return xasprintf("KERNEL==\"kvm\", GROUP=\"kvm\", MODE=\"%s\", "
			 "OPTIONS+=\"static_node=kvm\"\n",
		mode);
}

void steps_tell(struct steps *x, const char *step)
{
	x->n++;
	x->say(x->arg, step);
}

int steps_run(struct steps *x, const struct strv *words, int64_t timeout_ms, struct err *e)
{
	_cleanup_buf_ struct buf said = BUF_INIT;
	_cleanup_free_ char *line = strv_shell(words);
	int status, r;

	steps_tell(x, line);
	if (!x->apply)
		return 0;
	r = proc_capture((const char *const *)words->v, NULL, NULL, &said, timeout_ms, &status, e);
	if (r < 0)
		return err_wrap(e, "%s", line);
	return status ? err_set(e, -EIO, "%s failed: %s", line, buf_str(&said)) : 0;
}

int steps_command(struct steps *x, struct err *e, const char *word, ...)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	va_list ap;

	va_start(ap, word);
	for (; word; word = va_arg(ap, const char *))
		strv_add(&words, word);
	va_end(ap);
	return steps_run(x, &words, STEP_MS, e);
}

bool steps_here(const struct steps *x)
{
	return !x->root || streq(x->root, "/");
}

char *steps_path(const struct steps *x, const char *path)
{
	return path_join(steps_here(x) ? "/" : x->root, path + 1);
}

int steps_write(struct steps *x, const char *path, const char *text, struct err *e)
{
	_cleanup_free_ char *full = steps_path(x, path), *dir = path_dir(full);
	bool one_line = strcspn(text, "\n") + 1 >= strlen(text);
	_cleanup_free_ char *step = xasprintf("write %s:%s%s", full, one_line ? " " : "\n", text);
	_cleanup_buf_ struct buf old = BUF_INIT;
	int r;

	if (file_read(full, FILE_MAX, &old, NULL) == 0 && streq(buf_str(&old), text))
		return 0;
	steps_tell(x, step);
	if (!x->apply)
		return 1;
	r = dir_make(dir, 0755, e);
	if (r == 0)
		r = file_write_atomic(full, text, strlen(text), FILE_MODE, e);
	return r < 0 ? r : 1;
}

static int reload_udev(struct steps *x, struct err *e)
{
	int r = steps_command(x, e, "udevadm", "control", "--reload", NULL);

	return r < 0 ? r
		     : steps_command(
			       x, e, "udevadm", "trigger", "--name-match=kvm", "--settle", NULL);
}

int steps_own_node(struct steps *x, struct err *e)
{
	_cleanup_free_ char *udevadm = NULL, *rule = doctor_udev_rule(KVM_NODE_MODE);
	const struct group *kvm;
	struct stat st;
	int r = steps_write(x, KVM_UDEV_RULE_PATH, rule, e);

	if (r < 0 || !steps_here(x))
		return r < 0 ? r : 0;
	if (path_program("udevadm", &udevadm) == 0 && access("/run/udev/control", F_OK) == 0)
		return r ? reload_udev(x, e) : 0;
	kvm = getgrnam("kvm");
	if (stat(NODE, &st) < 0 ||
		(kvm && st.st_gid == kvm->gr_gid && (st.st_mode & 0777) == NODE_MODE))
		return 0;
	steps_tell(x, "chgrp kvm " NODE "; chmod 0660 " NODE " (udev does not run here)");
	if (!x->apply)
		return 0;
	if (chown(NODE, (uid_t)-1, kvm ? kvm->gr_gid : st.st_gid) < 0 || chmod(NODE, NODE_MODE) < 0)
		return err_sys(e, errno, "cannot change " NODE);
	return 0;
}
