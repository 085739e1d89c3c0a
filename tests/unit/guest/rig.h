/* SPDX-License-Identifier: MIT */
/*
 * A job on a fake machine, and the agent inside it, whose every word a test chooses. Time stands still but for
 * pass(); whatever is said is handled when say_…() returns.
 */
#ifndef TEST_GUEST_RIG_H
#define TEST_GUEST_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "fake_machine.h"
#include "guest/job.h"

#define BIG 0x7fffffff

/* How far a job has come. */
enum stage {
	AT_BOOT, /* nothing was said */
	AT_MOUNT, /* WELCOME and ROOT came */
	AT_EXEC, /* EXEC came, no STARTED yet */
	AT_RUN, /* the command runs */
	AT_PULL, /* PULL came */
	AT_LEAVE, /* SHUTDOWN came */
	AT_DIAGNOSIS, /* the test's limit ran out while it ran */
	AT_ENDING, /* cancelled, and the machine has not ended yet */
	AT_OVER, /* `done` was called */
	N_STAGES,
};
extern const char *const stage_names[N_STAGES];

#define COMMANDS_MAX 3

struct rig {
	struct loop *loop;
	struct guest_plan *plan;
	struct job_command commands[COMMANDS_MAX];
	struct job_spec spec;
	struct job *job;
	char *dir; /* a folder that goes away */
	size_t fds; /* open before */

	/* What the handlers were told: "ready started:0 out:hello err:x room:5 done ". */
	struct buf events;
	unsigned dones;
	size_t room;
	const struct job_report *report; /* after done */
	/* Called with each event's name, from inside the handler. */
	void (*on_event)(const char *name);

	/* The agent. */
	struct wire_writer w;
	struct wire_reader r;
	bool muffled; /* say_…() does not let the loop run: frames are read together */
	struct wire_frame got; /* by expect() */
};
extern struct rig rig;

/* A setup and a teardown. The plan has no root; one command, no limit, no artifact. The teardown frees the job and
 * proves that no descriptor is left. */
int rig_make(void **state);
int rig_remove(void **state);
#define in_rig(f) cmocka_unit_test_setup_teardown(f, rig_make, rig_remove)

/* Between jobs of one test: frees the job and its plan, and makes all as rig_make() left it. */
void rig_again(void);

/* N commands: "setup", "test", "teardown" where there are three; the last always runs if ALWAYS_LAST. */
void use_commands(size_t n, bool always_last);
/* Artifacts "*.log", into the folder "artifacts". */
void use_artifacts(void);
/* A root over 9p and N more folders, /share/0 and so on, all writable. */
void use_shares(size_t n);

void start(void);
/* From the start of a job up to STAGE. Commands have a limit of BIG where none is set. */
void reach(enum stage stage);

/* ---- time and the loop ---- */

void turn(void); /* all that can happen now */
void pass(int64_t ms); /* time goes by in small steps, and the loop runs */

/* ---- the agent speaks ---- */

void say(uint8_t type, const void *payload, size_t len);
void say_bytes(const void *data, size_t len); /* whatever they are */
/* The bytes of a good frame, which counts as sent. Into RET, at least 20 + LEN bytes. */
size_t frame_bytes(uint8_t type, const void *payload, size_t len, uint8_t *ret);
void say_hello(void);
void say_hello_version(uint16_t version);
/* Another session begins: the numbers of frames, too, behind SEQ of the agent's. */
void session_anew(uint32_t seq);
/* HELLO of a machine that becomes the template, and what comes between it and the HELLO behind which it is saved. */
void be_parked(void);
void say_done(uint32_t id, int32_t error, const char *text);
void say_started(size_t command);
void say_output(uint8_t type, size_t command, const char *text);
void say_exited(size_t command, int code);
void say_exited_raw(uint32_t id, uint8_t signalled, uint32_t code, uint64_t wall_us);
void say_credit(uint32_t id, uint32_t bytes);
void say_beat(void);
void say_kmsg(const char *records);
void say_file(const char *path, uint64_t size);
void say_file_data(const char *text);
void say_trouble(const char *text);
void say_bye(void);

/* ---- the agent listens ---- */

/* The next frame of the host, if there is one. After WELCOME its key is in use. The host's frames are good, always. */
bool hear(struct wire_frame *ret);
/* It is there, and of TYPE; its payload is in rig.got. */
void expect(uint8_t type);
void expect_exec(size_t command);
void expect_nothing(void);

/* ---- what came of it ---- */

void expect_events(const char *words); /* all since the last call */
void expect_over(void); /* done, once */
void expect_broken(const char *word); /* the machine was stopped, and there was no goodbye */
void expect_infra(const char *word);
bool file_is(const char *name, const char *text); /* in rig.dir; NULL: it is not there */
size_t count_fds(void);

#endif
