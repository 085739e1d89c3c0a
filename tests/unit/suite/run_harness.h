/* SPDX-License-Identifier: MIT */
/* Whole runs against the fake guest: what they returned, printed and kept. */
#ifndef TEST_SUITE_RUN_HARNESS_H
#define TEST_SUITE_RUN_HARNESS_H

#include <fcntl.h>

#include "harness.h"

#include "fake_guest.h"

struct outcome {
	int code;
	char *error, *out, *err; /* owned */
	struct records records; /* those on disk */
};

static inline void outcome_release(struct outcome *o)
{
	free(o->error);
	free(o->out);
	free(o->err);
	records_release(&o->records);
}
#define _cleanup_outcome_ __attribute__((cleanup(outcome_release)))

/* Sends FD to the file NAME; returns what it was. */
static inline int divert(int fd, const char *name)
{
	int was = dup(fd), to = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	fflush(NULL);
	assert_int_equal(dup2(to, fd), fd);
	close(to);
	return was;
}

static inline void divert_back(int fd, int was)
{
	fflush(NULL);
	dup2(was, fd);
	close(was);
}

/* Runs the suite in TEXT; results lie in "out". */
static inline struct outcome run_with(const char *text, struct run_options o)
{
	struct suite *s = suite_of(text);
	struct outcome ret = { 0 };
	struct err e = ERR_INIT;
	int out, err;

	if (!o.output && !o.resume)
		o.output = "out";
	fake_reset();
	out = divert(STDOUT_FILENO, "stdout.txt");
	err = divert(STDERR_FILENO, "stderr.txt");
	ret.code = suite_run(s, &o, &e);
	divert_back(STDOUT_FILENO, out);
	divert_back(STDERR_FILENO, err);
	ret.error = xstrdup(e.code ? err_text(&e) : "");
	ret.out = get_file("stdout.txt");
	ret.err = get_file("stderr.txt");
	records_load("out/results.jsonl", &ret.records, NULL);
	err_release(&e);
	suite_free(s);
	assert_int_equal(fake.started, fake.freed);
	return ret;
}

static inline struct outcome run(const char *text)
{
	return run_with(text, (struct run_options){ 0 });
}

static inline const struct record *record_at(const struct outcome *o, const char *id)
{
	for (size_t i = 0; i < o->records.n; i++)
		if (streq(o->records.v[i].id, id))
			return &o->records.v[i];
	fail_msg("no record of %s", id);
	return NULL;
}

static inline void expect_verdict(const struct outcome *o, const char *id, enum verdict v, bool ok)
{
	const struct record *rec = record_at(o, id);

	if (rec->verdict != v || rec->ok != ok)
		fail_msg(
			"%s: %s (%s), ok %d", id, verdict_name(rec->verdict), rec->reason, rec->ok);
}

#endif
