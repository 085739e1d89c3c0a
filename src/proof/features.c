/* SPDX-License-Identifier: MIT */
/* The key `features` of vmrig.yaml. The file's other keys are others' to check. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"
#include "proof/proof.h"
#include "yaml/yaml.h"

struct loader {
	struct yaml_reader reader; /* first: its readers get it */
	struct features *f;
};

void features_release(struct features *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct feature *x = &f->v[i];

		free(x->name);
		free(x->description);
		strv_release(&x->options);
		strv_release(&x->without);
		strv_release(&x->tests);
		strv_release(&x->variants);
	}
	free(f->v);
	*f = (struct features){ 0 };
}

/* "CONFIG_X=y": a name and a value. */
static bool option_ok(const char *s)
{
	size_t n;

	if (!str_starts(s, "CONFIG_"))
		return false;
	s += strlen("CONFIG_");
	n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
	return n && s[n] == '=' && s[n + 1];
}

static int read_options(
	struct yaml_reader *l, const struct yaml_key *k, const struct yaml_node *n, void *field)
{
	const struct strv *got = field;
	int r = yaml_read_strv(l, k, n, field);

	if (r >= 0 && got->n == 0)
		return yaml_expected(l, n, k, "at least one option");
	for (size_t i = 0; r >= 0 && i < got->n; i++)
		if (!option_ok(got->v[i]))
			return yaml_expected(l, n->kind == YAML_LIST ? n->v[i] : n, k,
				"an option with its value, as CONFIG_NF_TABLES=y");
	return r;
}

#define FIELD(f) offsetof(struct feature, f)
static const struct yaml_key feature_keys[] = {
	{ "name", yaml_read_name, FIELD(name), .required = true },
	{ "description", yaml_read_text, FIELD(description) },
	{ "options", read_options, FIELD(options), .required = true },
	{ "without", read_options, FIELD(without) },
	{ "tests", yaml_read_strv, FIELD(tests) },
	{ "variants", yaml_read_strv, FIELD(variants) },
};
#undef FIELD

/* What is there is taken away. */
static void negate_options(struct feature *x)
{
	for (size_t i = 0; i < x->options.n; i++) {
		const char *option = x->options.v[i];
		char *off = xasprintf("%.*s=n", (int)strcspn(option, "="), option);

		strv_add(&x->without, off);
		free(off);
	}
}

static int load_feature(struct yaml_reader *l, const struct yaml_node *n)
{
	struct features *f = ((struct loader *)l)->f;
	struct feature *x;
	int r;

	f->v = xrealloc(f->v, (f->n + 1) * sizeof(*f->v));
	x = &f->v[f->n++];
	*x = (struct feature){ .line = n->line, .column = n->column };
	r = yaml_read_map(l, n, "a feature", feature_keys, ARRAY_SIZE(feature_keys), x);
	if (r < 0)
		return r;
	for (size_t i = 0; i + 1 < f->n; i++)
		if (streq(f->v[i].name, x->name))
			return yaml_error(&l->y, n, l->e, "two features are named '%s'", x->name);
	if (!x->without.n)
		negate_options(x);
	if (!x->tests.n)
		strv_add(&x->tests, x->name);
	return 0;
}

static const struct yaml_node *find(const struct yaml_node *map, const char *key)
{
	for (size_t i = 0; map->kind == YAML_MAP && i + 1 < map->n; i += 2)
		if (streq(map->v[i]->text, key))
			return map->v[i + 1];
	return NULL;
}

int features_load(const char *path, struct features *ret, struct err *e)
{
	struct features f = { 0 };
	struct loader l = { .reader.e = e, .f = &f };
	_cleanup_free_ char *dir = path_dir(path);
	const struct yaml_node *n;
	int r = yaml_load(path, &l.reader.y, e);

	if (r < 0)
		return r;
	l.reader.dir = dir;
	n = l.reader.y.root ? find(l.reader.y.root, "features") : NULL;
	if (n)
		r = yaml_read_list(&l.reader, n, "'features'", load_feature);
	yaml_release(&l.reader.y);
	if (r < 0) {
		features_release(&f);
		return r;
	}
	*ret = f;
	return 0;
}

int features_find(
	const struct features *f, const char *name, const struct feature **ret, struct err *e)
{
	_cleanup_free_ const char **names = xcalloc(f->n + 1, sizeof(*names));
	const char *near;

	for (size_t i = 0; i < f->n; i++) {
		names[i] = f->v[i].name;
		if (streq(names[i], name)) {
			*ret = &f->v[i];
			return 0;
		}
	}
	near = text_nearest(name, names, f->n);
	err_set(e, -ENOENT, "there is no feature '%s'", name);
	if (near)
		return err_hint(e, "Did you mean '%s'?", near);
	return f->n ? -ENOENT
		    : err_hint(e, "The file has no key 'features'; docs/kernels.md describes it.");
}
