/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX (1 << 20)

/* The outputs lie in O, or here; LOG tells the test what was done. */
static const char makefile[] =
	"VERSION = 6\nPATCHLEVEL = 9\nSUBLEVEL = 0\nEXTRAVERSION =\n"
	"OUT := $(if $(O),$(O),$(CURDIR))\n"
	"LOG := $(CURDIR)/../steps.log\n"
	"OBJS := $(foreach i,1 2 3 4,$(foreach j,0 1 2 3 4 5 6 7 8 9,$(OUT)/s$(i)$(j).o))\n"
	"clean_source:\n"
	"\t@mkdir -p $(OUT)/include/config $(OUT)/arch/x86/boot\n"
	"\t@if [ -n '$(O)' ] && [ -e .config ]; then \\\n"
	"\t\techo '*** The source tree is not clean, please run make mrproper'; false; fi\n"
	"tinyconfig defconfig: clean_source\n"
	"\t@cp $@.base $(OUT)/.config\n"
	"\t@echo \"config $@\" >> ../config.log\n"
	"olddefconfig: clean_source\n"
	"\t@sh olddefconfig.sh $(OUT)/.config\n"
	"$(OUT)/s%.o: delay\n"
	"\t@echo \"  CC      s$*.o\"\n"
	"\t@sleep $$(cat delay)\n"
	"\t@echo s$*.o >> $(LOG)\n"
	"\t@touch $@\n"
	"$(OUT)/main.o: init/main.c clean_source\n"
	"\t@echo '  CC      init/main.o'\n"
	"\t@gcc $(KCFLAGS) -c $(CURDIR)/init/main.c -o $@\n"
	"bzImage: clean_source $(OBJS) $(OUT)/main.o\n"
	"\t@env > ../env.log\n"
	"\t@echo '$(MAKEFLAGS) $(KCFLAGS)' > ../make.log\n"
	"\t@cp ../vmlinux.in $(OUT)/vmlinux\n"
	"\t@cp ../map.in $(OUT)/System.map\n"
	"\t@echo " FIXTURE_RELEASE " > $(OUT)/include/config/kernel.release\n"
	"\t@: > $(OUT)/modules.order\n"
	"\t@cp ../bzImage.in $(OUT)/arch/x86/boot/bzImage\n"
	"modules: bzImage\n"
	"\t@mkdir -p $(OUT)/drivers\n"
	"\t@cp ../a.ko $(OUT)/drivers/a.ko\n"
	"\t@echo drivers/a.o > $(OUT)/modules.order\n"
	"modules_install:\n"
	"\t@mkdir -p $(INSTALL_MOD_PATH)/lib/modules/" FIXTURE_RELEASE "/kernel/drivers\n"
	"\t@cp $(OUT)/drivers/a.ko "
	"$(INSTALL_MOD_PATH)/lib/modules/" FIXTURE_RELEASE "/kernel/drivers\n"
	"\t@ln -s $(OUT) $(INSTALL_MOD_PATH)/lib/modules/" FIXTURE_RELEASE "/build\n";

/* The last word on each option that Kconfig has. */
static const char olddefconfig[] =
	"for x in $(sed -n 's/^config //p' Kconfig); do\n"
	"\tlast=$(grep -E \"^(CONFIG_$x=|# CONFIG_$x is not set)\" \"$1\" | tail -n 1)\n"
	"\t[ -z \"$last\" ] || echo \"$last\"\n"
	"done > \"$1.new\"\n"
	"echo '# made by olddefconfig' >> \"$1.new\"\n"
	"mv \"$1.new\" \"$1\"\n";

static const char kconfig[] = "config A\n\tbool \"a\"\n\nconfig B\n\tbool \"b\"\n\n"
			      "config MODULES\n\tbool \"modules\"\n\n"
			      "config DEBUG_INFO\n\tbool \"debug\"\n\n"
			      "config DEBUG_INFO_BTF\n\tbool \"btf\"\n";

static char *old_path;

void put_program(const char *dir, const char *name, const char *script)
{
	_cleanup_free_ char *file = xasprintf("bin/%s", name), *path = NULL;
	_cleanup_free_ char *text = xasprintf("#!/bin/sh\n%s", script);

	path = put_text(dir, file, text);
	assert_int_equal(chmod(path, 0755), 0);
}

static void git(const char *dir, const char *words)
{
	_cleanup_free_ char *command =
		xasprintf("cd '%s/linux' && git -c user.name=t -c user.email=t@t "
			  "-c init.defaultBranch=main %s >/dev/null 2>&1",
			dir, words);

	assert_int_equal(system(command), 0);
}

void tree_commit(const char *dir)
{
	git(dir, "add -A");
	git(dir, "commit --allow-empty -m x");
}

void tree_slow(const char *dir, const char *seconds)
{
	lay(dir, "linux/delay", seconds);
	tree_commit(dir);
}

static void lay_inputs(const char *dir)
{
	_cleanup_buf_ struct buf elf = BUF_INIT;

	free(put_bzimage(dir, "bzImage.in"));
	make_vmlinux(&(struct vmlinux_fixture){ .symbols = true }, &elf);
	free(put(dir, "vmlinux.in", elf.data, elf.len));
	lay(dir, "map.in",
		"ffffffff81000000 T _text\nffffffff81000010 t a\nffffffff81000020 T b\n"
		"ffffffff81000030 T c\n");
	put_module(dir, "a.ko", "", NULL);
}

int tree_make(void **state)
{
	_cleanup_free_ char *cache = NULL, *path = NULL;

	if (folder_make(state) < 0)
		return -1;
	cache = path_join(*state, "cache");
	old_path = xstrdup(getenv("PATH"));
	path = xasprintf("%s/bin:%s", (char *)*state, old_path);
	setenv("PATH", path, 1);
	setenv("VMRIG_CACHE_DIR", cache, 1);
	unsetenv("KBUILD_OUTPUT");
	put_program(*state, "flex", "exit 0\n");
	put_program(*state, "bison", "exit 0\n");
	put_program(*state, "bc", "exit 0\n");
	put_program(*state, "objcopy", "cp \"$2\" \"$3\"\n");
	lay(*state, "linux/Makefile", makefile);
	lay(*state, "linux/Kconfig", kconfig);
	lay(*state, "linux/olddefconfig.sh", olddefconfig);
	lay(*state, "linux/tinyconfig.base", "# CONFIG_A is not set\n");
	lay(*state, "linux/defconfig.base", "CONFIG_A=y\n");
	lay(*state, "linux/delay", "0");
	lay(*state, "linux/Kbuild", "");
	lay(*state, "linux/.gitignore", ".config\n*.o\n");
	lay(*state, "linux/arch/x86/Kconfig", "");
	lay(*state, "linux/init/main.c", "int main_c;\n");
	lay_inputs(*state);
	git(*state, "init");
	tree_commit(*state);
	return 0;
}

int tree_remove(void **state)
{
	setenv("PATH", old_path, 1);
	unsetenv("VMRIG_CACHE_DIR");
	free(old_path);
	return folder_remove(state);
}

size_t tree_steps(const char *dir)
{
	_cleanup_free_ char *path = path_join(dir, "steps.log");
	_cleanup_buf_ struct buf text = BUF_INIT;
	size_t n = 0;

	if (file_exists(path))
		assert_int_equal(file_read(path, TEXT_MAX, &text, NULL), 0);
	for (size_t i = 0; i < text.len; i++)
		n += text.data[i] == '\n';
	return n;
}

struct build_spec tree_spec(const char *dir, char **keep)
{
	*keep = path_join(dir, "linux");
	return (struct build_spec){
		.source = *keep, .arch = "x86_64", .base = "tinyconfig", .dir = dir, .modules = true
	};
}

int tree_build(const char *dir, const struct build_spec *s, struct kernel *ret, struct err *e)
{
	struct build_how how = { .jobs = 4 };

	return build_kernel(s, &how, ret, e);
}

pid_t tree_build_apart(const char *dir)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		_cleanup_free_ char *keep = NULL;
		struct build_spec s = tree_spec(dir, &keep);
		struct kernel k = { 0 };
		struct err e = ERR_INIT;
		int r = tree_build(dir, &s, &k, &e);

		if (r < 0 && r != -EINTR)
			err_print(&e);
		_exit(r == 0 ? 0 : r == -EINTR ? 2 : 1);
	}
	return pid;
}

bool exists(const char *dir, const char *name)
{
	_cleanup_free_ char *path = path_join(dir, name);
	struct stat st;

	return lstat(path, &st) == 0;
}

size_t count_names(const char *dir, const char *name, const char *suffix)
{
	_cleanup_free_ char *path = path_join(dir, name);
	DIR *d = opendir(path);
	struct dirent *f;
	size_t n = 0;

	while (d && (f = readdir(d)))
		n += f->d_name[0] != '.' && str_ends(f->d_name, suffix);
	if (d)
		closedir(d);
	return n;
}
