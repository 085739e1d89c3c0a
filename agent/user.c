/* SPDX-License-Identifier: MIT */
/* Users as /etc/passwd and /etc/group of the root name them. */
#include "agent.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROUPS_MAX 256

int user_find(const char *name_or_uid, struct user *ret)
{
	char *end;
	unsigned long number = strtoul(name_or_uid, &end, 10);
	bool is_number = *name_or_uid >= '0' && *name_or_uid <= '9' && *end == '\0';
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd *pw = NULL;
	int r = -ENOENT;

	/* fgetpwent, not getpwnam: it reads this file and asks no other service. A name wins over a
	 * number that looks like it. */
	while (f && (pw = fgetpwent(f))) {
		bool by_name = strcmp(pw->pw_name, name_or_uid) == 0;

		if (!by_name && !(is_number && r < 0 && pw->pw_uid == number))
			continue;
		*ret = (struct user){ .uid = pw->pw_uid, .gid = pw->pw_gid };
		snprintf(ret->name, sizeof(ret->name), "%s", pw->pw_name);
		r = 0;
		if (by_name)
			break;
	}
	if (f)
		fclose(f);
	if (r < 0 && is_number && number < UINT32_MAX) {
		*ret = (struct user){ .uid = (uid_t)number, .gid = (gid_t)number };
		r = 0;
	}
	return r;
}

static size_t groups_of(const struct user *u, gid_t *groups)
{
	FILE *f = u->name[0] ? fopen("/etc/group", "re") : NULL;
	struct group *gr;
	size_t n = 0;

	groups[n++] = u->gid;
	while (f && n < GROUPS_MAX && (gr = fgetgrent(f))) {
		for (char **member = gr->gr_mem; *member; member++) {
			if (strcmp(*member, u->name) == 0 && gr->gr_gid != u->gid) {
				groups[n++] = gr->gr_gid;
				break;
			}
		}
	}
	if (f)
		fclose(f);
	return n;
}

int user_become(const struct user *u)
{
	gid_t groups[GROUPS_MAX];

	if (setgroups(groups_of(u, groups), groups) < 0 || setgid(u->gid) < 0 || setuid(u->uid) < 0)
		return -errno;
	return 0;
}
