/* SPDX-License-Identifier: MIT */
/* From a kernel and a wish to a plan: what is decided, what is refused and in which words, what is cached. */
#include <sys/stat.h>
#include <unistd.h>

#include "fake_machine.h"
#include "fixture.h"
#include "guest/plan.h"

#define VIRTIO  "CONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_MMIO=y\nCONFIG_VIRTIO_CONSOLE=y\n"
#define NINE_P  "CONFIG_NET_9P_VIRTIO=y\nCONFIG_9P_FS=y\n"
#define FUSE    "CONFIG_FUSE_FS=y\n"
#define OVERLAY "CONFIG_OVERLAY_FS=y\n"
#define MODULES "modules"
#define NOTHING "CONFIG_HZ=250\n"

static char *dir;
static struct kernel kernel;
static struct guest_wish wish;
static struct guest_plan *plan;

static void in_cache(const char *name, const char *variable)
{
	_cleanup_free_ char *path = path_join(dir, name);

	setenv(variable, path, 1);
}

static int setup(void **state)
{
	if (folder_make(state) < 0)
		return -1;
	dir = *state;
	in_cache("cache", "VMRIG_CACHE_DIR");
	in_cache("libexec", "VMRIG_LIBEXEC_DIR");
	lay(dir, "libexec/vmrig-agent-x86_64", "the agent");
	fake_reset();
	wish = (struct guest_wish){ 0 };
	return 0;
}

static void forget(void)
{
	guest_plan_unref(plan);
	plan = NULL;
	kernel_release(&kernel);
}

static int teardown(void **state)
{
	forget();
	return folder_remove(state);
}

#define in_world(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* ---- kernels ---- */

static char *put_image(const struct vmlinux_fixture *f)
{
	_cleanup_buf_ struct buf elf = BUF_INIT, packed = BUF_INIT, image = BUF_INIT;

	make_vmlinux(f, &elf);
	pack(PACK_GZIP, elf.data, elf.len, &packed);
	make_bzimage(&packed, FIXTURE_RELEASE, &image);
	return put(dir, "bzImage", image.data, image.len);
}

/* A kernel with that .config (NULL: none is known); each has a key of its own. */
static void make_kernel(const char *config, bool pvh)
{
	static unsigned n;

	forget();
	kernel = (struct kernel){
		.label = xstrdup("mine"),
		.key = xasprintf("%064x", ++n),
		.release = xstrdup(FIXTURE_RELEASE),
		.arch = xstrdup("x86_64"),
		.image = put_image(&(struct vmlinux_fixture){ .no_pvh = !pvh }),
		.kind = IMAGE_BZIMAGE,
		.config = config ? put_text(dir, "config", config) : NULL,
	};
}

/* Beside it, as make leaves them. */
static void add_modules(const char *const *names)
{
	for (; *names; names++) {
		_cleanup_free_ char *path = xasprintf(MODULES "/kernel/%s.ko", *names);

		put_module(dir, path, NULL, NULL);
	}
	free(kernel.modules_dir);
	kernel.modules_dir = path_join(dir, MODULES);
}

static void prepare(void)
{
	struct err e = ERR_INIT;

	guest_plan_unref(plan);
	plan = NULL;
	if (guest_prepare(&kernel, &wish, &plan, &e) < 0)
		fail_msg("%s", err_text(&e));
}

static void refuse(int code, const char *word, const char *other)
{
	struct err e = ERR_INIT;
	int r;

	guest_plan_unref(plan);
	plan = NULL;
	r = guest_prepare(&kernel, &wish, &plan, &e);
	expect_error(&e, r, code, word, other);
	assert_null(plan);
}

/* ---- the machine ---- */

static void the_type_of_machine_follows_the_accelerator(void **state)
{
	make_kernel(VIRTIO NINE_P, true);
	machine.accel = ACCEL_KVM;
	prepare();
	assert_int_equal(plan->spec.type, MACHINE_MICROVM);
	assert_int_equal(plan->spec.channel, CHANNEL_VIRTIO);
	assert_string_equal(guest_plan_accel_why(plan), "chosen by the test");

	machine.accel = ACCEL_TCG;
	prepare();
	assert_int_equal(plan->spec.type, MACHINE_Q35);
	assert_int_equal(plan->spec.channel, CHANNEL_VIRTIO);
	assert_int_equal(guest_plan_notes(plan)->n, 0);
}

static void microvm_needs_pvh_mmio_and_a_console(void **state)
{
	static const struct {
		const char *config;
		bool pvh;
	} cases[] = {
		{ VIRTIO NINE_P, false },
		{ "CONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_CONSOLE=y\n" NINE_P, true },
		{ "CONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_MMIO=y\n" NINE_P, true },
	};

	machine.accel = ACCEL_KVM;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		make_kernel(cases[i].config, cases[i].pvh);
		prepare();
		assert_int_equal(plan->spec.type, MACHINE_Q35);
	}
}

/* Its PVH entry would fault before there is shadow memory. */
static void a_kernel_with_kasan_starts_from_its_bzimage(void **state)
{
	machine.accel = ACCEL_KVM;
	make_kernel(VIRTIO NINE_P "CONFIG_KASAN=y\n", true);
	prepare();
	assert_string_equal(path_base(plan->spec.kernel), "bzImage");
	assert_int_equal(plan->spec.type, MACHINE_Q35);
	make_kernel(VIRTIO NINE_P "# CONFIG_KASAN is not set\n", true);
	prepare();
	assert_string_equal(path_base(plan->spec.kernel), "vmlinux");
}

static void a_type_that_was_asked_for_is_taken(void **state)
{
	make_kernel(VIRTIO NINE_P, true);
	wish.type = MACHINE_MICROVM;
	prepare();
	assert_int_equal(plan->spec.type, MACHINE_MICROVM);
	machine.accel = ACCEL_KVM;
	wish.type = MACHINE_Q35;
	prepare();
	assert_int_equal(plan->spec.type, MACHINE_Q35);
}

static void a_microvm_that_was_asked_for_and_cannot_be_names_the_option(void **state)
{
	wish.type = MACHINE_MICROVM;
	make_kernel("CONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_CONSOLE=y\n" NINE_P, true);
	refuse(-EOPNOTSUPP, "mine cannot run on machine type microvm", "CONFIG_VIRTIO_MMIO");
	make_kernel("CONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_MMIO=y\n" NINE_P, true);
	refuse(-EOPNOTSUPP, "mine cannot run on machine type microvm", "CONFIG_VIRTIO_CONSOLE");
}

static void without_virtio_serial_the_uart_serves(void **state)
{
	make_kernel("CONFIG_VIRTIO_PCI=y\n" NINE_P, true);
	prepare();
	assert_int_equal(plan->spec.channel, CHANNEL_UART);
	assert_int_equal(plan->spec.type, MACHINE_Q35);
	assert_int_equal(plan->root, WIRE_SHARE_9P);
	assert_string_equal(plan->spec.cmdline, "channel=uart");
	assert_int_equal(guest_plan_notes(plan)->n, 1);
	assert_non_null(strstr(guest_plan_notes(plan)->v[0], "CONFIG_VIRTIO_CONSOLE"));
}

static void an_accelerator_that_fails_is_told(void **state)
{
	make_kernel(VIRTIO NINE_P, true);
	machine.accel = ACCEL_AUTO;
	refuse(-ENODEV, "no accelerator is usable", "");
}

static void kvm_in_the_guest_needs_a_kernel_with_it(void **state)
{
	machine.accel = ACCEL_NESTED;
	make_kernel(VIRTIO NINE_P, true);
	refuse(-EOPNOTSUPP, "kernel mine has no KVM", "CONFIG_KVM_AMD");
	wish.without_kvm = true;
	prepare();
	wish.without_kvm = false;
	make_kernel(VIRTIO NINE_P "CONFIG_KVM_AMD=y\n", true);
	prepare();
	assert_int_equal(plan->spec.type, MACHINE_Q35);
	assert_true(plan->spec.memory_mib > 512);
	assert_int_equal(guest_plan_notes(plan)->n, 1);
}

static void more_than_one_cpu_where_kvm_is_emulated_is_advised_against(void **state)
{
	machine.accel = ACCEL_NESTED;
	wish.cpus = 2;
	make_kernel(VIRTIO NINE_P "CONFIG_KVM_AMD=y\n", true);
	prepare();
	assert_int_equal(plan->spec.cpus, 2);
	assert_int_equal(guest_plan_notes(plan)->n, 2);
	assert_non_null(strstr(guest_plan_notes(plan)->v[1], "with 2 CPUs"));
}

static void what_was_not_wished_for_has_a_default(void **state)
{
	make_kernel(VIRTIO NINE_P, true);
	prepare();
	assert_int_equal(plan->spec.cpus, 1);
	assert_int_equal(plan->spec.memory_mib, 512);
	assert_int_equal(plan->spec.engine, ENGINE_QEMU);
	assert_string_equal(guest_plan_engine(plan), "fake 1.0");
	assert_string_equal(guest_plan_kernel(plan)->label, "mine");
	assert_string_equal(plan->spec.cmdline, "channel=virtio");

	wish.cpus = 3;
	wish.memory_mib = 77;
	wish.cmdline = "kasan.fault=panic";
	wish.extra = (const char *const[]){ "-device", "x" };
	wish.n_extra = 2;
	prepare();
	assert_int_equal(guest_plan_spec(plan)->cpus, 3);
	assert_int_equal(plan->spec.memory_mib, 77);
	assert_string_equal(plan->spec.cmdline, "channel=virtio kasan.fault=panic");
	assert_string_equal(plan->spec.extra[1], "x");
}

/* ---- the root ---- */

static void the_root_comes_over_9p_else_over_fuse(void **state)
{
	make_kernel(VIRTIO NINE_P FUSE, true);
	prepare();
	assert_int_equal(plan->root, WIRE_SHARE_9P);
	assert_int_equal(plan->spec.fs_ports, 0);
	assert_int_equal(plan->spec.n_shares, 1);
	assert_string_equal(plan->spec.shares[0].path, "/");
	assert_false(plan->spec.shares[0].writable);

	make_kernel(VIRTIO FUSE "CONFIG_9P_FS=y\n", true);
	prepare();
	assert_int_equal(plan->root, WIRE_SHARE_FUSE);
	assert_int_equal(plan->spec.fs_ports, 1);
	assert_int_equal(plan->spec.n_shares, 0);
	assert_string_equal(plan->root_dir, "/");
}

static void a_kernel_that_can_mount_nothing_is_told_what_it_lacks(void **state)
{
	make_kernel(VIRTIO, true);
	refuse(-EOPNOTSUPP, "kernel mine cannot mount the host's files",
		"neither 9p (CONFIG_9P_FS, CONFIG_NET_9P_VIRTIO) nor FUSE (CONFIG_FUSE_FS");
	make_kernel("CONFIG_VIRTIO_PCI=y\n" FUSE, true);
	refuse(-EOPNOTSUPP, "nor FUSE", "CONFIG_VIRTIO_CONSOLE");
	make_kernel(NOTHING, true);
	refuse(-EOPNOTSUPP, "no virtio transport", "no modules were found beside it");
}

/* Under TCG q35 is taken, where its virtio-mmio is of no use. */
static void a_kernel_for_microvm_alone_is_not_told_that_it_lacks_mmio(void **state)
{
	struct err e = ERR_INIT;

	make_kernel("CONFIG_VIRTIO_MMIO=y\nCONFIG_VIRTIO_CONSOLE=y\n" NINE_P, true);
	assert_int_equal(guest_prepare(&kernel, &wish, &plan, &e), -EOPNOTSUPP);
	assert_non_null(strstr(err_text(&e), "CONFIG_VIRTIO_PCI"));
	assert_null(strstr(err_text(&e), "CONFIG_VIRTIO_MMIO"));
	assert_non_null(strstr(e.hint, "--machine microvm"));
	err_release(&e);
	wish.type = MACHINE_MICROVM;
	prepare();
	assert_int_equal(plan->root, WIRE_SHARE_9P);
}

static void without_a_root_next_to_nothing_is_needed(void **state)
{
	make_kernel(NOTHING, false);
	wish.root = "none";
	prepare();
	assert_int_equal(plan->root, WIRE_SHARE_NONE);
	assert_int_equal(plan->spec.channel, CHANNEL_UART);
	assert_int_equal(plan->spec.n_shares, 0);
	assert_string_equal(plan->spec.kernel, kernel.image); /* no PVH: as it is */
	assert_null(plan->root_dir);
}

static void folders_that_are_not_there_are_named(void **state)
{
	_cleanup_free_ char *file = put_text(dir, "file", "");
	struct guest_share share = { .guest = file, .writable = true };
	char nowhere[] = "/nowhere/at/all";

	make_kernel(VIRTIO NINE_P, true);
	wish.root = nowhere;
	refuse(-ENOENT, "root folder /nowhere/at/all", "No such file");
	wish.root = file;
	refuse(-ENOTDIR, "root folder", "Not a directory");
	wish.root = NULL;
	share.host = nowhere;
	wish.shares = &share;
	wish.n_shares = 1;
	refuse(-ENOENT, "folder /nowhere/at/all", "No such file");
	share.host = file;
	refuse(-ENOTDIR, "folder", "Not a directory");
}

static void further_folders_need_9p_and_a_root(void **state)
{
	char here[] = "/", there[] = "/there";
	const struct guest_share share = { .host = here, .guest = there, .writable = true };

	wish.shares = &share;
	wish.n_shares = 1;
	make_kernel(VIRTIO FUSE, true);
	refuse(-EOPNOTSUPP, "needs 9p", "kernel mine lacks CONFIG_9P_FS or CONFIG_NET_9P_VIRTIO");

	make_kernel(VIRTIO NINE_P, true);
	wish.root = "none";
	refuse(-EOPNOTSUPP, "a writable folder", "\"none\"");

	wish.root = NULL;
	prepare();
	assert_int_equal(plan->n_mounts, 1);
	assert_string_equal(plan->mounts[0].guest, "/there");
	assert_string_equal(plan->spec.shares[1].path, "/");
	assert_true(plan->spec.shares[1].writable);
}

static void the_kernels_modules_appear_where_programs_look(void **state)
{
	static const char *const modules[] = { "dummy", NULL };
	char here[] = "/", there[] = "/there";
	const struct guest_share share = { .host = here, .guest = there };

	make_kernel(VIRTIO NINE_P, true);
	add_modules(modules);
	wish.shares = &share;
	wish.n_shares = 1;
	prepare();
	assert_int_equal(plan->n_mounts, 2);
	assert_string_equal(plan->mounts[0].guest, "/lib/modules/" FIXTURE_RELEASE);
	assert_string_equal(plan->mounts[1].guest, "/there");
	assert_string_equal(plan->spec.shares[1].path, kernel.modules_dir);
	assert_string_equal(plan->spec.shares[2].path, "/");
	assert_string_not_equal(plan->spec.shares[1].tag, plan->spec.shares[2].tag);
}

/* ---- modules and the initramfs ---- */

static void read_initramfs(struct buf *ret)
{
	assert_int_equal(file_read(plan->spec.initrd, 1 << 26, ret, NULL), 0);
}

static bool holds(const struct buf *b, const char *word)
{
	return memmem(b->data, b->len, word, strlen(word)) != NULL;
}

static void modules_for_what_was_decided_and_no_others_go_along(void **state)
{
	static const char *const modules[] = { "virtio_pci", "virtio_mmio", "virtio_console",
		"9pnet_virtio", "9p", "fuse", "overlay", "ext4", NULL };
	_cleanup_buf_ struct buf b = BUF_INIT;

	make_kernel("CONFIG_VIRTIO_PCI=m\nCONFIG_FUSE_FS=m\n", true);
	add_modules(modules);
	prepare();
	assert_int_equal(plan->root, WIRE_SHARE_9P);
	read_initramfs(&b);
	assert_true(holds(&b, "the agent"));
	assert_true(holds(&b, "virtio_pci.ko") && holds(&b, "virtio_console.ko"));
	assert_true(holds(&b, "9pnet_virtio.ko") && holds(&b, "9p.ko") && holds(&b, "overlay.ko"));
	assert_false(holds(&b, "virtio_mmio.ko") || holds(&b, "fuse.ko") || holds(&b, "ext4.ko"));
}

static void an_option_whose_module_is_not_there_is_lacking(void **state)
{
	static const char *const modules[] = { "dummy", NULL };

	make_kernel("CONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_CONSOLE=y\n"
		    "CONFIG_9P_FS=m\nCONFIG_NET_9P_VIRTIO=m\n" FUSE,
		true);
	add_modules(modules);
	prepare();
	assert_int_equal(plan->root, WIRE_SHARE_FUSE);
}

static void a_configuration_inside_the_image_serves(void **state)
{
	make_kernel(NULL, true);
	free(kernel.image);
	kernel.image = put_image(&(struct vmlinux_fixture){ .config = VIRTIO FUSE });
	prepare();
	assert_int_equal(plan->root, WIRE_SHARE_FUSE);
}

static void without_a_configuration_the_image_tells_by_its_strings(void **state)
{
	_cleanup_buf_ struct buf elf = BUF_INIT;

	make_kernel(NULL, true);
	make_vmlinux(&(struct vmlinux_fixture){ 0 }, &elf);
	buf_adds(&elf, "virtio-pci virtio-ports fuse_request lowerdir");
	free(kernel.image);
	kernel.image = put(dir, "vmlinux", elf.data, elf.len);
	kernel.kind = IMAGE_ELF;
	prepare();
	assert_int_equal(plan->spec.channel, CHANNEL_VIRTIO);
	assert_int_equal(plan->root, WIRE_SHARE_FUSE);
}

static void programs_for_no_root_travel_behind_the_initramfs(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *programs[] = { "/bin/true" };

	make_kernel(NOTHING, true);
	wish.root = "none";
	wish.programs = programs;
	wish.n_programs = 1;
	prepare();
	assert_int_equal(plan->spec.n_keep_fds, 1);
	assert_true(str_starts(plan->spec.initrd, "/dev/fd/"));
	read_initramfs(&b);
	assert_true(holds(&b, "the agent") && holds(&b, "bin/true"));

	programs[0] = "no-such-program-anywhere";
	refuse(-ENOENT, "no-such-program-anywhere", "command not found");
}

/* ---- the cache ---- */

static ino_t inode(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void a_second_plan_builds_nothing(void **state)
{
	ino_t image, initrd;

	make_kernel(VIRTIO NINE_P, true);
	prepare();
	image = inode(plan->spec.kernel);
	initrd = inode(plan->spec.initrd);
	assert_string_equal(path_base(plan->spec.kernel), "vmlinux");
	prepare();
	assert_true(inode(plan->spec.kernel) == image && inode(plan->spec.initrd) == initrd);
}

static void another_agent_gets_another_initramfs(void **state)
{
	_cleanup_free_ char *first = NULL;

	make_kernel(VIRTIO NINE_P, true);
	prepare();
	first = xstrdup(plan->spec.initrd);
	lay(dir, "libexec/vmrig-agent-x86_64", "another agent");
	prepare();
	assert_string_not_equal(plan->spec.initrd, first);
}

static void what_is_damaged_in_the_cache_is_built_anew(void **state)
{
	static const char *const facts[] = { "", "{", "{}", "[]", "{\"schema\": 999999}", "\377" };
	_cleanup_free_ char *boot = NULL, *path = NULL;

	make_kernel(VIRTIO NINE_P, true);
	prepare();
	boot = path_dir(plan->spec.kernel);
	path = path_join(boot, "facts.json");
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		lay(boot, "facts.json", facts[i]);
		prepare();
		assert_int_equal(plan->root, WIRE_SHARE_9P);
	}
	assert_int_equal(truncate(plan->spec.kernel, 100), 0);
	assert_int_equal(truncate(plan->spec.initrd, 100), 0);
	prepare();
	for (int i = 0; i < 2; i++) {
		struct stat st;

		assert_int_equal(stat(i ? plan->spec.kernel : plan->spec.initrd, &st), 0);
		assert_true(st.st_size > 100);
	}
	assert_int_equal(unlink(plan->spec.kernel), 0);
	prepare();
	assert_true(file_exists(plan->spec.kernel));
}

static void an_image_that_is_no_kernel_names_it(void **state)
{
	make_kernel(VIRTIO NINE_P, true);
	lay(dir, "bzImage", "this is no kernel at all");
	refuse(-ENOEXEC, "kernel mine", "bzImage");
}

static void a_plan_lives_as_long_as_it_is_used(void **state)
{
	struct guest_plan *mine;

	make_kernel(VIRTIO NINE_P, true);
	prepare();
	mine = guest_plan_ref(plan);
	guest_plan_unref(plan);
	plan = NULL;
	assert_string_equal(guest_plan_kernel(mine)->label, "mine");
	guest_plan_unref(mine);
	guest_plan_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_world(the_type_of_machine_follows_the_accelerator),
		in_world(microvm_needs_pvh_mmio_and_a_console),
		in_world(a_kernel_with_kasan_starts_from_its_bzimage),
		in_world(a_type_that_was_asked_for_is_taken),
		in_world(a_microvm_that_was_asked_for_and_cannot_be_names_the_option),
		in_world(without_virtio_serial_the_uart_serves),
		in_world(an_accelerator_that_fails_is_told),
		in_world(kvm_in_the_guest_needs_a_kernel_with_it),
		in_world(more_than_one_cpu_where_kvm_is_emulated_is_advised_against),
		in_world(what_was_not_wished_for_has_a_default),
		in_world(the_root_comes_over_9p_else_over_fuse),
		in_world(a_kernel_that_can_mount_nothing_is_told_what_it_lacks),
		in_world(a_kernel_for_microvm_alone_is_not_told_that_it_lacks_mmio),
		in_world(without_a_root_next_to_nothing_is_needed),
		in_world(folders_that_are_not_there_are_named),
		in_world(further_folders_need_9p_and_a_root),
		in_world(the_kernels_modules_appear_where_programs_look),
		in_world(modules_for_what_was_decided_and_no_others_go_along),
		in_world(an_option_whose_module_is_not_there_is_lacking),
		in_world(a_configuration_inside_the_image_serves),
		in_world(without_a_configuration_the_image_tells_by_its_strings),
		in_world(programs_for_no_root_travel_behind_the_initramfs),
		in_world(a_second_plan_builds_nothing),
		in_world(another_agent_gets_another_initramfs),
		in_world(what_is_damaged_in_the_cache_is_built_anew),
		in_world(an_image_that_is_no_kernel_names_it),
		in_world(a_plan_lives_as_long_as_it_is_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
