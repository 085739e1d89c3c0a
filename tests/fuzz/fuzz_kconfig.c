/* SPDX-License-Identifier: MIT */
/*
 * Kconfig files, a configuration and a fragment made of any bytes; NUL bytes part them. Each option that is
 * mentioned is explained for each wish, and no explanation is empty or endless. A fragment that is accepted gives
 * text that gives the same text again.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "kconfig/tree.h"

#define PARTS    5 /* the configuration, Kconfig, the files a and b, the fragment */
#define TEXT_MAX 100000 /* of one explanation: names are as long as the input */
#define OPTIONS  64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	struct buf parts[PARTS];
};

static int read_part(void *arg, const char *path, struct buf *ret)
{
	static const char *const names[] = { "Kconfig", "a", "b" };
	const struct input *in = arg;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(path, names[i])) {
			buf_add(ret, in->parts[i + 1].data, in->parts[i + 1].len);
			return 0;
		}
	return -ENOENT;
}

static void explain_all(struct ktree *t, const struct kconfig *got)
{
	static const char *const values[] = { "y", "m", "n", "5", "\"\"" };
	size_t n = 0;

	for (size_t i = 0; i < t->n_slots && n < OPTIONS; i++)
		for (size_t v = 0; t->slots[i] && v < ARRAY_SIZE(values); v++) {
			_cleanup_buf_ struct buf text = BUF_INIT;

			n += v == 0;
			kexplain(t, got, t->slots[i]->name, values[v], &text);
			BUG_ON(text.len == 0 || text.len > TEXT_MAX);
			BUG_ON(t->slots[i]->busy);
		}
	ktree_nearest(t, "KASAN");
}

static void check_fragment(const struct buf *text)
{
	_cleanup_buf_ struct buf once = BUF_INIT, twice = BUF_INIT;
	struct kconfig_wishes w = { 0 }, again = { 0 };

	if (kconfig_wish_text(&w, text, "f", NULL) == 0) {
		kconfig_wishes_text(&w, &once);
		BUG_ON(kconfig_wish_text(&again, &once, "f", NULL) < 0);
		kconfig_wishes_text(&again, &twice);
		BUG_ON(!streq(buf_str(&once), buf_str(&twice)));
	}
	kconfig_wishes_release(&w);
	kconfig_wishes_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { 0 };
	struct ktree *tree = NULL;
	struct kconfig *got = NULL;

	for (size_t i = 0, at = 0; i < PARTS && at < size; i++) {
		const uint8_t *nul = memchr(data + at, '\0', size - at);
		size_t len = nul && i + 1 < PARTS ? (size_t)(nul - data) - at : size - at;

		buf_add(&in.parts[i], data + at, len);
		at += len + 1;
	}
	if (kconfig_parse(&in.parts[0], &got, NULL) == 0 &&
		ktree_read(read_part, &in, "x86_64", &tree, NULL) == 0)
		explain_all(tree, got);
	check_fragment(&in.parts[4]);
	ktree_free(tree);
	kconfig_free(got);
	for (size_t i = 0; i < PARTS; i++)
		buf_release(&in.parts[i]);
	return 0;
}
