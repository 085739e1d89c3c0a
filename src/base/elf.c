/* SPDX-License-Identifier: MIT */
/*
 * The closure is breadth-first, as ld.so(8) loads: a library is searched once by its name, for the
 * object that needs it first. Not followed: glibc-hwcaps folders, $LIB and $PLATFORM, dlopen(3).
 */
#include "base/elf.h"

#include <elf.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/elf_read.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"

enum {
	OBJECTS_MAX = 4096,
	CONF_DEPTH = 8,
	SCRIPT_DEPTH = 5, /* as the kernel has it, fs/exec.c */
};

struct object {
	char *path; /* owned */
	char *origin; /* owned: the folder that $ORIGIN stands for */
	ssize_t parent; /* the object that needed it; -1: the program */
	struct elf_file file;
};

struct closure {
	struct object *v; /* owned */
	size_t n, cap;
	struct strv names; /* as they stand in DT_NEEDED, once resolved */
	struct strv system; /* the system's library folders; empty: not read yet */
	bool musl;
};

static void closure_release(struct closure *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].path);
		free(c->v[i].origin);
		elf_file_release(&c->v[i].file);
	}
	free(c->v);
	strv_release(&c->names);
	strv_release(&c->system);
}

/* Reads an ld.so.conf: a folder a line, "include PATTERN", comments behind '#'. */
static void read_conf(const char *path, int depth, struct strv *dirs)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *line, *rest;

	if (depth > CONF_DEPTH || file_read(path, 1 << 20, &b, NULL) < 0 || !b.data)
		return;
	for (line = strtok_r(b.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		line[strcspn(line, "#")] = '\0';
		line += strspn(line, " \t\r");
		for (size_t n = strlen(line); n && strchr(" \t\r", line[n - 1]);)
			line[--n] = '\0';
		if (*line == '/') {
			strv_add(dirs, line);
		} else if (strncmp(line, "include", 7) == 0 && strspn(line + 7, " \t")) {
			_cleanup_free_ char *dir = path_dir(path);
			_cleanup_free_ char *pattern =
				path_join(dir, line + 7 + strspn(line + 7, " \t"));
			glob_t g;

			if (glob(pattern, 0, NULL, &g) == 0) {
				for (size_t i = 0; i < g.gl_pathc; i++)
					read_conf(g.gl_pathv[i], depth + 1, dirs);
				globfree(&g);
			}
		}
	}
}

/* musl has its folders in a file of its own, by colons or lines (musl, ldso/dynlink.c). */
static void read_musl_path(const char *interpreter, struct strv *dirs)
{
	const char *arch = path_base(interpreter) + strlen("ld-musl-");
	_cleanup_free_ char *path =
		xasprintf("/etc/ld-musl-%.*s.path", (int)strcspn(arch, "."), arch);
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *dir, *rest;

	if (file_read(path, 1 << 20, &b, NULL) < 0)
		buf_adds(&b, "/lib:/usr/local/lib:/usr/lib");
	if (!b.data)
		return;
	for (dir = strtok_r(b.data, ":\n", &rest); dir; dir = strtok_r(NULL, ":\n", &rest))
		strv_add(dirs, dir);
}

static const struct strv *system_dirs(struct closure *c)
{
	static const char *const standard[] = { "/lib64", "/usr/lib64", "/lib", "/usr/lib" };

	if (c->system.n)
		return &c->system;
	if (c->musl)
		read_musl_path(c->v[0].file.interpreter, &c->system);
	else
		read_conf("/etc/ld.so.conf", 0, &c->system);
	for (size_t i = 0; i < ARRAY_SIZE(standard) && !c->musl; i++)
		strv_add(&c->system, standard[i]);
	return &c->system;
}

/* What musl's libc.so is itself (ldso/dynlink.c, load_library). */
static bool musl_has(const char *name)
{
	static const char *const own[] = { "libc.", "libpthread.", "librt.", "libm.", "libdl.",
		"libutil.", "libxnet." };

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (str_starts(name, own[i]))
			return true;
	return false;
}

/* Adds the file if it is an ELF file for MACHINE (0: any). -ENOENT if there is none. */
static int add_object(
	struct closure *c, const char *path, ssize_t parent, uint16_t machine, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_cleanup_free_ char *real = NULL;
	struct elf_file f;
	struct object *o;
	int r;

	if (fd < 0)
		return err_sys(e, errno, "cannot open %s", path);
	r = elf_file_read(fd, path, &f, e);
	if (r < 0)
		return r;
	if (machine && f.machine != machine) {
		elf_file_release(&f);
		return err_set(e, -ENOENT, "%s is for another machine", path);
	}
	if (c->n == OBJECTS_MAX) {
		elf_file_release(&f);
		return err_set(
			e, -ENOEXEC, "%s needs more than %d libraries", c->v[0].path, OBJECTS_MAX);
	}
	VEC_GROW(c->v, c->n, c->cap);
	o = &c->v[c->n++];
	/* The kernel tells the loader the program's real path; a library's stays as it was found. */
	if (parent < 0)
		real = realpath(path, NULL);
	*o = (struct object){ .path = xstrdup(path), .parent = parent, .file = f };
	o->origin = path_dir(real ? real : path);
	return 0;
}

/* A folder of an RPATH or RUNPATH; NULL if it is not absolute, or has a token not known here. */
static char *expand(const char *dir, size_t len, const char *origin)
{
	struct buf b = BUF_INIT;

	while (len) {
		size_t n;

		if (len >= 7 && strncmp(dir, "$ORIGIN", 7) == 0)
			n = 7;
		else if (len >= 9 && strncmp(dir, "${ORIGIN}", 9) == 0)
			n = 9;
		else
			n = 0;
		if (n) {
			buf_adds(&b, origin);
		} else if (*dir == '$') {
			break;
		} else {
			buf_addc(&b, *dir);
			n = 1;
		}
		dir += n;
		len -= n;
	}
	if (len || !b.data || b.data[0] != '/') {
		buf_release(&b);
		return NULL;
	}
	return buf_detach(&b);
}

/* 0: found and added; -ENOENT: not there. A file that is no library is passed over, as ld.so does. */
static int try_dir(struct closure *c, const char *dir, const char *name, size_t user)
{
	/* Behind a symbolic link, ".." leads elsewhere than the text says. */
	_cleanup_free_ char *folded =
		strstr(dir, "/..") ? realpath(dir, NULL) : path_absolute(dir, "/");
	_cleanup_free_ char *path = folded ? path_join(folded, name) : NULL;

	if (!path)
		return -ENOENT;
	return add_object(c, path, (ssize_t)user, c->v[0].file.machine, NULL);
}

static int try_list(
	struct closure *c, const char *list, const char *origin, const char *name, size_t user)
{
	int r = -ENOENT;

	while (r < 0 && list && *list) {
		size_t n = strcspn(list, ":");
		_cleanup_free_ char *dir = expand(list, n, origin);

		if (dir)
			r = try_dir(c, dir, name, user);
		list += n + (list[n] == ':');
	}
	return r;
}

/* In ld.so(8)'s order: RPATH of the object and its users, RUNPATH, the system's folders. */
static int search(struct closure *c, const char *name, size_t user)
{
	int r = -ENOENT;

	if (!c->v[user].file.runpath) {
		for (ssize_t i = (ssize_t)user; r < 0 && i >= 0; i = c->v[i].parent) {
			if (!c->v[i].file.runpath)
				r = try_list(c, c->v[i].file.rpath, c->v[i].origin, name, user);
		}
	}
	if (r < 0)
		r = try_list(c, c->v[user].file.runpath, c->v[user].origin, name, user);
	if (r < 0) {
		const struct strv *dirs = system_dirs(c);

		for (size_t i = 0; r < 0 && i < dirs->n; i++)
			r = try_dir(c, dirs->v[i], name, user);
	}
	return r;
}

static int resolve(struct closure *c, const char *name, size_t user, struct err *e)
{
	const char *interpreter = c->v[0].file.interpreter;
	int r;

	if (strv_has(&c->names, name) || (c->musl && musl_has(name)) ||
		(interpreter && streq(name, path_base(interpreter))))
		return 0;
	if (strchr(name, '/')) {
		_cleanup_free_ char *path = expand(name, strlen(name), c->v[user].origin);

		r = path ? add_object(c, path, (ssize_t)user, c->v[0].file.machine, NULL) : -ENOENT;
	} else {
		r = search(c, name, user);
	}
	if (r < 0) {
		err_set(e, -ENOENT, "cannot find the library %s, which %s needs", name,
			c->v[user].path);
		return err_hint(e, "Install the package that holds it.");
	}
	strv_add(&c->names, name);
	return 0;
}

static void add_once(struct strv *ret, const char *path)
{
	if (!strv_has(ret, path))
		strv_add(ret, path);
}

static int elf_program(const char *path, struct strv *ret, struct err *e)
{
	_cleanup_(closure_release) struct closure c = { 0 };
	const char *interpreter;
	int r = add_object(&c, path, -1, 0, e);

	if (r < 0)
		return r;
	interpreter = c.v[0].file.interpreter;
	c.musl = interpreter && str_starts(path_base(interpreter), "ld-musl-");
	if (interpreter && !file_exists(interpreter))
		return err_set(
			e, -ENOENT, "cannot find %s, the interpreter of %s", interpreter, path);
	for (size_t i = 0; i < c.n; i++) {
		/* The objects move while it grows, their strings do not. */
		struct strv needed = c.v[i].file.needed;

		for (size_t j = 0; j < needed.n; j++) {
			r = resolve(&c, needed.v[j], i, e);
			if (r < 0)
				return r;
		}
	}
	if (interpreter)
		add_once(ret, interpreter);
	for (size_t i = 1; i < c.n; i++)
		add_once(ret, c.v[i].path);
	return 0;
}

/* The program that env(1) is asked to run: its first word that is no option and no assignment. */
static char *env_program(char *words)
{
	char *word, *rest;

	for (word = strtok_r(words, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		/* In "-Sname" and "--split-string=name" the word may begin at once. */
		if (str_starts(word, "--split-string="))
			word += strlen("--split-string=");
		else if (str_starts(word, "-S"))
			word += 2;
		if (*word && *word != '-' && !strchr(word, '='))
			return word;
	}
	return NULL;
}

static int any_program(const char *path, int depth, struct strv *ret, struct err *e);

static int script(const char *path, char *line, int depth, struct strv *ret, struct err *e)
{
	_cleanup_free_ char *found = NULL;
	char *interpreter, *arguments;
	int r;

	line[strcspn(line, "\n")] = '\0';
	interpreter = line + strspn(line, " \t");
	arguments = interpreter + strcspn(interpreter, " \t\r");
	if (*arguments)
		*arguments++ = '\0';
	if (*interpreter != '/')
		return err_set(e, -ENOEXEC, "%s names no absolute path behind #!", path);
	if (depth >= SCRIPT_DEPTH)
		return err_set(e, -ENOEXEC, "%s: scripts that run scripts, too deep", path);
	add_once(ret, interpreter);
	r = any_program(interpreter, depth + 1, ret, e);
	if (r < 0)
		return err_wrap(e, "interpreter of %s", path);
	if (!streq(path_base(interpreter), "env"))
		return 0;
	interpreter = env_program(arguments);
	if (!interpreter)
		return 0;
	r = path_program(interpreter, &found);
	if (r < 0)
		return err_set(
			e, r, "cannot find %s in PATH, the interpreter of %s", interpreter, path);
	add_once(ret, found);
	r = any_program(found, depth + 1, ret, e);
	return r < 0 ? err_wrap(e, "interpreter of %s", path) : 0;
}

static int any_program(const char *path, int depth, struct strv *ret, struct err *e)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char head[512];
	ssize_t n;

	if (fd < 0)
		return err_sys(e, errno, "cannot open %s", path);
	n = pread(fd, head, sizeof(head) - 1, 0);
	if (n < 0)
		return err_sys(e, errno, "cannot read %s", path);
	head[n] = '\0';
	if (str_starts(head, "#!"))
		return script(path, head + 2, depth, ret, e);
	if (str_starts(head, "\177ELF"))
		return elf_program(path, ret, e);
	return err_set(e, -ENOEXEC, "%s is neither an ELF program nor a script", path);
}

int elf_closure(const char *program, struct strv *ret, struct err *e)
{
	_cleanup_strv_ struct strv found = STRV_INIT;
	int r = any_program(program, 0, &found, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < found.n; i++)
		add_once(ret, found.v[i]);
	return 0;
}

const char *elf_arch(const char *program)
{
	_cleanup_close_ int fd = open(program, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	Elf64_Ehdr h;

	if (fd < 0 || pread(fd, &h, sizeof(h), 0) != sizeof(h) ||
		memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 || h.e_ident[EI_CLASS] != ELFCLASS64)
		return NULL;
	return arch_of_elf(h.e_machine);
}
