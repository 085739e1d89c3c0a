/* SPDX-License-Identifier: MIT */
/* The key of a template: what shaped the machine until its agent spoke. */
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "machine/private.h"

#define FORM "template-1" /* of the files; raised with it */

/* The command line of the engine for SPEC without what may differ between a template and its clones. */
static int add_engine(struct hash *h, const struct machine_spec *spec, struct err *e)
{
	_cleanup_free_ struct machine_share *shares = xcalloc(spec->n_shares + 1, sizeof(*shares));
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_free_ char *version = NULL;
	struct machine_spec s = *spec;
	char dash[] = "-";
	int r;

	for (size_t i = 0; i < spec->n_shares; i++)
		shares[i] = (struct machine_share){ spec->shares[i].tag, dash, false };
	s.shares = shares;
	s.kernel = s.initrd = NULL;
	s.n_keep_fds = 0;
	s.memory_fd = s.state_fd = 0;
	r = machine_describe(&s, &argv, e);
	if (r == 0)
		r = machine_engine_version(&s, &version, e);
	if (r == 0)
		r = hash_add_file_identity(h, argv.v[0], e);
	if (r < 0)
		return r;
	hash_adds(h, version);
	for (size_t i = 0; i < argv.n; i++)
		hash_adds(h, argv.v[i]);
	return 0;
}

/* A file in memory is as old as the process: its content counts. */
static int add_initrd(struct hash *h, const struct machine_spec *spec, struct err *e)
{
	char hex[HASH_HEX_LEN + 1];
	int r;

	if (!spec->initrd)
		return 0;
	if (!spec->n_keep_fds)
		return hash_add_file_identity(h, spec->initrd, e);
	r = hash_file(spec->initrd, hex, e);
	if (r == 0)
		hash_adds(h, hex);
	return r;
}

int machine_template_key(const struct machine_spec *spec, char **ret, struct err *e)
{
	char hex[HASH_HEX_LEN + 1];
	struct hash *h;
	int r = machine_can_save(spec, e);

	if (r < 0)
		return r;
	h = hash_new();
	hash_adds(h, FORM);
	r = hash_add_file_identity(h, spec->kernel, e);
	if (r == 0)
		r = add_initrd(h, spec, e);
	if (r == 0)
		r = add_engine(h, spec, e);
	machine_hash_cpu(h);
	hash_final(h, hex);
	if (r < 0)
		return r;
	*ret = xstrdup(hex);
	return 0;
}
