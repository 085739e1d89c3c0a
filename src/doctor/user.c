/* SPDX-License-Identifier: MIT */
/* A user's rights to a device node: those of this process, and those of the user in a new session. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "doctor/private.h"

char *doctor_user(const struct doctor *d)
{
	const char *sudo = getenv("SUDO_USER");
	struct passwd *pw;

	if (d->user)
		return xstrdup(d->user);
	if (geteuid() == 0 && sudo && *sudo)
		return xstrdup(sudo);
	pw = getpwuid(geteuid());
	return pw ? xstrdup(pw->pw_name) : xasprintf("%u", (unsigned int)geteuid());
}

static bool in_group(const struct passwd *pw, gid_t gid)
{
	int n = 0;
	_cleanup_free_ gid_t *groups = NULL;

	getgrouplist(pw->pw_name, pw->pw_gid, NULL, &n);
	groups = xcalloc((size_t)n + 1, sizeof(*groups));
	if (getgrouplist(pw->pw_name, pw->pw_gid, groups, &n) < 0)
		return false;
	for (int i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

static bool may(const char *user, const struct stat *st)
{
	const struct passwd *pw = getpwnam(user);

	if ((st->st_mode & 06) == 06)
		return true;
	if (!pw)
		return false;
	return pw->pw_uid == 0 || (pw->pw_uid == st->st_uid && (st->st_mode & 0600) == 0600) ||
	       ((st->st_mode & 060) == 060 && in_group(pw, st->st_gid));
}

void doctor_node_rights(const struct doctor *d, const char *path, struct node_rights *ret)
{
	_cleanup_free_ char *user = doctor_user(d);
	const struct group *gr;
	struct stat st;
	int fd;

	memset(ret, 0, sizeof(*ret));
	if (stat(path, &st) < 0)
		return;
	ret->exists = true;
	ret->device = S_ISCHR(st.st_mode);
	ret->mode = st.st_mode & 07777;
	ret->gid = st.st_gid;
	gr = getgrgid(st.st_gid);
	ret->group = gr ? xstrdup(gr->gr_name) : NULL;
	ret->group_may = (st.st_mode & 060) == 060;
	ret->allowed = may(user, &st);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ret->open_errno = fd < 0 ? errno : 0;
	ret->open = fd >= 0;
	fd_close(fd);
}
