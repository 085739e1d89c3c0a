/* SPDX-License-Identifier: MIT */
/*
 * Where a command lies. A guest whose root is this machine's would look for it in one folder of PATH after the other,
 * and ask for each by 9p; here it costs nothing. The guest looks itself where the answer turns out to be wrong.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"
#include "guest/job.h"

static const char *variable(const char *const *env, const char *name_and_sign)
{
	for (; *env; env++)
		if (strncmp(*env, name_and_sign, strlen(name_and_sign)) == 0)
			return *env + strlen(name_and_sign);
	return NULL;
}

/* Another command of the guest may have put a program of that name before the one that is found here. */
static bool as_on_the_host(const struct job *j, size_t i)
{
	return i == 0 && !j->used && !j->has_prepared && !j->spec.resume && j->plan->root_dir &&
	       streq(j->plan->root_dir, "/");
}

char *job_program(const struct job *j, size_t i)
{
	const struct job_command *c = &j->spec.commands[i];
	const char *path = variable(c->env, "PATH="), *end;

	/* Another user than this one may not be allowed to execute it. */
	if (!path || strchr(c->argv[0], '/') || !c->argv[0][0] || (c->user && c->user[0]) ||
		!as_on_the_host(j, i))
		return NULL;
	/* What else stands there depends on the working folder. */
	for (; *path == '/'; path = *end ? end + 1 : end) {
		_cleanup_free_ char *dir = NULL, *file = NULL;

		end = path + strcspn(path, ":");
		dir = xstrndup(path, (size_t)(end - path));
		file = path_join(dir, c->argv[0]);
		if (path_is_program(file))
			return TAKE_PTR(file);
	}
	return NULL;
}
