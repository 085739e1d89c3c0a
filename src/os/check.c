/* SPDX-License-Identifier: MIT */
/* Steps that a machine cannot be made to take, whatever its system does: told when the suite is read. */
#include <string.h>

#include "base/text.h"
#include "os/private.h"

static const char *lacking(const struct os_step *s, const struct os_means *m)
{
	unsigned needs = s->kind->needs;

	if ((needs & OS_NEEDS_SSH) && !m->ssh)
		return "has no 'ssh', which says as whom to log in";
	if ((needs & OS_NEEDS_DISPLAY) && !m->display)
		return "has no display and no keyboard: its board is neither q35 nor pc";
	if ((needs & OS_NEEDS_KEY_TEXT) && !m->key && s->text && strstr(s->text, OS_SSH_KEY))
		return "has no key of the run that could stand for " OS_SSH_KEY
		       ": that is made with 'ssh', without a 'key'";
	if (s->serial >= m->serials)
		return "does not have that many serial ports";
	if (s->kind == &os_step_ends && m->resets && streq(s->text, "reset"))
		return "does not end by a reset: it 'resets'";
	return NULL;
}

int os_steps_check(const struct yaml_reader *l, const struct os_steps *s, const struct os_means *m)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct os_step *step = s->v[i];
		const struct yaml_node at = { .line = step->line, .column = step->column };
		const char *why = lacking(step, m);

		if (why)
			return yaml_error(&l->y, &at, l->e, "step '%s': machine '%s' %s",
				step->kind->name, m->machine, why);
	}
	return 0;
}
