/* SPDX-License-Identifier: MIT */
/* The suite in memory: releasing and copying. */
#include <stdlib.h>

#include "base/alloc.h"
#include "suite/load.h"

static void strv_dup(struct strv *v)
{
	struct strv copy;

	strv_copy(&copy, v);
	*v = copy;
}

void suite_test_copy(struct suite_test *dst, const struct suite_test *src)
{
	*dst = *src;
	dst->name = xstrdup(src->name);
	dst->description = xstrdup(src->description);
	dst->cwd = xstrdup(src->cwd);
	dst->user = xstrdup(src->user);
	strv_dup(&dst->run);
	strv_dup(&dst->setup);
	strv_dup(&dst->teardown);
	strv_dup(&dst->env);
	strv_dup(&dst->tags);
	strv_dup(&dst->needs_config);
	strv_dup(&dst->needs_files);
	strv_dup(&dst->artifacts);
	strv_dup(&dst->machines);
	strv_dup(&dst->kernels);
	strv_dup(&dst->rw);
	strv_dup(&dst->put);
	os_grammar_copy(&dst->grammar, &src->grammar);
	dst->steps = (struct os_steps){ 0 };
}

void suite_test_release(struct suite_test *t)
{
	free(t->name);
	free(t->description);
	free(t->cwd);
	free(t->user);
	strv_release(&t->run);
	strv_release(&t->setup);
	strv_release(&t->teardown);
	strv_release(&t->env);
	strv_release(&t->tags);
	strv_release(&t->needs_config);
	strv_release(&t->needs_files);
	strv_release(&t->artifacts);
	strv_release(&t->machines);
	strv_release(&t->kernels);
	strv_release(&t->rw);
	strv_release(&t->put);
	os_grammar_release(&t->grammar);
	os_steps_release(&t->steps);
}

bool suite_test_has_no_command(const struct suite_test *t)
{
	return !t->run.n;
}

static void system_release(struct suite_system *s)
{
	for (size_t i = 0; i < s->n_disks; i++) {
		free(s->disks[i].image);
		free(s->disks[i].serial);
	}
	for (size_t i = 0; i < s->n_nics; i++) {
		free(s->nics[i].model);
		free(s->nics[i].forwards);
	}
	os_seed_release(&s->seed);
	os_ssh_release(&s->ssh);
	os_steps_release(&s->prepare);
	free(s->disks);
	free(s->nics);
	free(s->cpu);
	free(s->image);
	free(s->iso);
	free(s->kernel);
	free(s->initrd);
}

void suite_free(struct suite *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_tests; i++)
		suite_test_release(&s->tests[i]);
	for (size_t i = 0; i < s->n_machines; i++) {
		free(s->machines[i].name);
		free(s->machines[i].base);
		system_release(&s->machines[i].system);
		free(s->machines[i].arch);
		free(s->machines[i].cmdline);
		strv_release(&s->machines[i].qemu_args);
	}
	for (size_t i = 0; i < s->n_kernels; i++) {
		free(s->kernels[i].name);
		free(s->kernels[i].spec);
	}
	free(s->tests);
	free(s->machines);
	free(s->kernels);
	free(s->path);
	free(s->dir);
	free(s->name);
	free(s->root);
	strv_release(&s->template_setup);
	free(s);
}
