/* SPDX-License-Identifier: MIT */
/* What the host asks for, field by field, handed to the file whose job it is. */
#include "agent.h"

#include <errno.h>
#include <stdlib.h>

static void free_strv(char **v)
{
	for (char **s = v; s && *s; s++)
		free(*s);
	free(v);
}

/* One answer for what did not read, and for what we had no memory to read. */
static bool refused(const struct wire_dec *d, const char *what, bool have_memory, uint32_t id)
{
	if (dec_end(d) < 0)
		give_up("channel broken: %s does not read", what);
	if (!have_memory)
		send_done(id, -ENOMEM, "no memory for %s", what);
	return !have_memory;
}

static void on_root(struct wire_dec *d)
{
	uint32_t id = dec_u32(d);
	uint8_t kind = dec_u8(d);
	char *tag = dec_str(d);
	size_t n;
	char **tmpfs = dec_strv(d, &n);

	if (!refused(d, "ROOT", tag && tmpfs, id))
		root_build(id, kind, tag, tmpfs);
	free(tag);
	free_strv(tmpfs);
}

static void on_share(struct wire_dec *d)
{
	uint32_t id = dec_u32(d);
	uint8_t kind = dec_u8(d);
	char *tag = dec_str(d), *path = dec_str(d);
	bool writable = dec_u8(d);

	if (!refused(d, "SHARE", tag && path, id))
		share_add(id, kind, tag, path, writable);
	free(tag);
	free(path);
}

static void on_exec(struct wire_dec *d)
{
	uint32_t id = dec_u32(d);
	size_t argc, n_env;
	char **argv = dec_strv(d, &argc), **env = dec_strv(d, &n_env);
	char *cwd = dec_str(d), *user = dec_str(d);
	uint8_t input = dec_u8(d);
	char *program = dec_str(d);
	struct exec_request x = { argv, env, cwd, user, program, NULL };

	if (refused(d, "EXEC", argv && env && cwd && user && program, id))
		;
	else if (argc == 0)
		send_done(id, -EINVAL, "no command");
	else if (input > WIRE_INPUT_TERMINAL)
		send_done(id, -EINVAL, "there is no input %u", input);
	else
		command_exec(id, &x, (enum wire_input)input);
	free_strv(argv);
	free_strv(env);
	free(cwd);
	free(user);
	free(program);
}

static void on_prepare(struct wire_dec *d)
{
	uint32_t id = dec_u32(d);
	uint8_t kind = dec_u8(d);
	size_t n, argc;
	char *tag = dec_str(d), **shares = dec_strv(d, &n);
	char **argv = dec_strv(d, &argc), **env = dec_strv(d, &n), *cwd = dec_str(d);
	const struct exec_room room = { kind, tag, shares };
	const struct exec_request x = { argv, env, cwd, "", "", &room };
	int r;

	if (refused(d, "PREPARE", tag && shares && argv && env && cwd, id))
		;
	else if (argc == 0)
		send_done(id, -EINVAL, "no command");
	else if ((r = root_keep_upper()) < 0)
		send_done(id, r, "cannot make a place for what is written");
	else
		command_exec(id, &x, WIRE_INPUT_NONE);
	free(tag);
	free_strv(shares);
	free_strv(argv);
	free_strv(env);
	free(cwd);
}

static void on_park(struct wire_dec *d)
{
	uint32_t id = dec_u32(d);

	if (!refused(d, "PARK", true, id))
		session_park(id);
}

static void on_stdin(struct wire_dec *d)
{
	uint32_t id = dec_u32(d);
	size_t len;
	const uint8_t *data = dec_rest(d, &len);

	if (!refused(d, "STDIN", true, id))
		command_stdin(id, data, len);
}

static void on_signal(struct wire_dec *d)
{
	uint32_t id = dec_u32(d), signo = dec_u32(d);

	if (!refused(d, "SIGNAL", true, id))
		command_signal(id, (int)signo);
}

static void on_window(struct wire_dec *d)
{
	uint32_t id = dec_u32(d);
	uint16_t rows = dec_u16(d), columns = dec_u16(d);

	if (!refused(d, "WINDOW", true, id))
		command_window(id, rows, columns);
}

static void on_pull(struct wire_dec *d)
{
	uint32_t id = dec_u32(d);
	char *cwd = dec_str(d);
	size_t n;
	char **globs = dec_strv(d, &n);
	uint64_t max_bytes = dec_u64(d);

	if (!refused(d, "PULL", cwd && globs, id))
		pull_begin(id, cwd, globs, max_bytes);
	free(cwd);
	free_strv(globs);
}

void request(const struct wire_frame *f)
{
	struct wire_dec d;

	dec_init(&d, f);
	if (!channel_in_session() != (f->type == WIRE_WELCOME))
		give_up("channel broken: message %u is out of place", f->type);
	switch (f->type) {
	case WIRE_WELCOME:
		session_welcome(&d);
		break;
	case WIRE_ROOT:
		on_root(&d);
		break;
	case WIRE_SHARE:
		on_share(&d);
		break;
	case WIRE_EXEC:
		on_exec(&d);
		break;
	case WIRE_STDIN:
		on_stdin(&d);
		break;
	case WIRE_SIGNAL:
		on_signal(&d);
		break;
	case WIRE_WINDOW:
		on_window(&d);
		break;
	case WIRE_PULL:
		on_pull(&d);
		break;
	case WIRE_PREPARE:
		on_prepare(&d);
		break;
	case WIRE_PARK:
		on_park(&d);
		break;
	case WIRE_SHUTDOWN:
		if (!refused(&d, "SHUTDOWN", true, 0))
			session_shutdown();
		break;
	default:
		trouble("the agent knows no message of type %u", f->type);
	}
}
