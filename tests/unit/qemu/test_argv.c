/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include "qemu/private.h"

static char program[] = "/opt/qemu";
static const struct qemu_features all = { .program = program, .sandbox = true, .pvpanic = true };

static struct qemu_config config(void)
{
	return (struct qemu_config){
		.features = &all, .cpus = 2, .memory_mib = 512, .kernel = "k"
	};
}

static char *line(const struct qemu_config *c)
{
	_cleanup_strv_ struct strv v = STRV_INIT;

	qemu_argv(c, &v);
	return strv_shell(&v);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is missing in: %s", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" is in: %s", part, text);
}

static void microvm_takes_virtio_mmio_devices(void **state)
{
	const char *const ports[] = { "a", "b" };
	const struct qemu_share share = { "root", "/", false };
	struct qemu_config c = config();
	_cleanup_free_ char *s = NULL;

	c.machine = QEMU_MICROVM;
	c.ports = ports;
	c.n_ports = 2;
	c.shares = &share;
	c.n_shares = 1;
	s = line(&c);
	assert_has(s, "-machine microvm,acpi=on,");
	assert_has(s, "-device virtio-serial-device,max_ports=3 ");
	assert_has(s, "-device virtserialport,chardev=port0,name=a ");
	assert_has(s, "-device virtserialport,chardev=port1,name=b ");
	assert_has(s, "-device virtio-9p-device,fsdev=fs0,mount_tag=root ");
	assert_has(s, "-nodefaults ");
	assert_has(s, "-vga none ");
	assert_lacks(s, "-pci");
}

static void memory_of_a_file_is_shared_or_private(void **state)
{
	struct qemu_config c = config();
	_cleanup_free_ char *s = NULL, *p = NULL;

	c.machine = QEMU_Q35;
	c.memory = "/dev/fd/9";
	c.memory_shared = true;
	s = line(&c);
	assert_has(
		s, "-object memory-backend-file,id=memory,size=512M,mem-path=/dev/fd/9,share=on ");
	assert_has(s, "-machine q35,memory-backend=memory ");
	assert_has(s, "-kernel k");
	assert_lacks(s, "-incoming");
	c.memory_shared = false;
	c.state_fd = 10;
	p = line(&c);
	assert_has(p, "share=off ");
	assert_has(p, "-incoming defer ");
	assert_lacks(p, "-kernel");
}

static const uint16_t ssh[] = { 22, 80 };
static const struct qemu_nic nic = { .model = "e1000", .forwards = ssh, .n_forwards = 2 };

static void a_system_of_its_own_gets_its_media(void **state)
{
	static const struct qemu_disk disks[] = {
		{ .path = "/a,b.iso", .format = "raw", .cdrom = true },
		{ .bus = QEMU_BUS_SATA, .path = "/x.qcow2", .format = "qcow2", .own = 7 },
		{ .bus = QEMU_BUS_NVME, .own = 8, .serial = "deadbeef" },
	};
	static const struct qemu_os os = { .firmware = "/code.fd",
		.firmware_vars = 9,
		.disks = disks,
		.n_disks = 3,
		.nics = &nic,
		.n_nics = 1,
		.serials = 3,
		.exit_port = 0xf4 };
	static const int kept[] = { 7, 8, 9 };
	struct qemu_config c = config();
	_cleanup_free_ char *s = NULL, *pc = NULL;

	c.machine = QEMU_Q35;
	c.kernel = NULL;
	c.os = &os;
	c.keep_fds = kept;
	c.n_keep_fds = 3;
	s = line(&c);
	assert_has(s, "if=pflash,unit=0,format=raw,readonly=on,file=/code.fd ");
	assert_has(s, "if=pflash,unit=1,format=raw,file=/dev/fd/9 ");
	assert_has(s, "driver=file,node-name=disk0-file,read-only=on,filename=/a,,b.iso ");
	assert_has(s, "-device ide-cd,bus=ide.0,drive=disk0,bootindex=0 ");
	assert_has(s, "driver=qcow2,node-name=disk1-base,read-only=on,file=disk1-base-file ");
	assert_has(s,
		"driver=qcow2,node-name=disk1,cache.no-flush=on,file=disk1-own,backing=disk1-base ");
	assert_has(s, "-device ide-hd,bus=ide.1,drive=disk1,bootindex=1,serial=vmrig1 ");
	assert_has(s, "driver=raw,node-name=disk2,cache.no-flush=on,file=disk2-own ");
	assert_has(s, "-device nvme,drive=disk2,bootindex=2,serial=deadbeef ");
	assert_has(s,
		"user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:0-:22,hostfwd=tcp:127.0.0.1:0-:80 ");
	assert_has(s, "-device e1000,netdev=net0 ");
	assert_has(s, "-serial chardev:serial1 ");
	assert_has(s, "-serial chardev:serial2 ");
	assert_has(s, "isa-debug-exit,iobase=0xf4,iosize=4");
	assert_has(s, "-no-reboot ");
	assert_lacks(s, "-kernel");
	c.machine = QEMU_PC;
	pc = line(&c);
	assert_has(pc, "-machine pc ");
	assert_has(pc, "-device ahci,id=sata ");
	assert_has(pc, "-device ide-hd,bus=sata.1,drive=disk1,bootindex=1");
}

static void what_another_guest_wrote_lies_between_the_image_and_our_own(void **state)
{
	static const struct qemu_disk disks[] = {
		{ .path = "/x.img", .format = "raw", .own = 7, .frozen = 8 },
		{ .own = 9, .frozen = 10 },
	};
	static const struct qemu_os os = {
		.disks = disks, .n_disks = 2, .serials = 1, .generations = true
	};
	static const int kept[] = { 7, 8, 9, 10 };
	struct qemu_features features = all;
	struct qemu_config c = config();
	_cleanup_free_ char *s = NULL, *without = NULL;

	c.machine = QEMU_Q35;
	c.os = &os;
	c.keep_fds = kept;
	c.n_keep_fds = 4;
	features.vmgenid = true;
	c.features = &features;
	s = line(&c);
	assert_has(s,
		"driver=file,node-name=disk0-frozen-own,locking=off,read-only=on,filename=/dev/fd/8 ");
	assert_has(s,
		"driver=qcow2,node-name=disk0-frozen,read-only=on,file=disk0-frozen-own,backing=disk0-base ");
	assert_has(s,
		"driver=qcow2,node-name=disk0,cache.no-flush=on,file=disk0-own,backing=disk0-frozen ");
	assert_has(s, "driver=raw,node-name=disk1-frozen,read-only=on,file=disk1-frozen-own ");
	assert_has(s,
		"driver=qcow2,node-name=disk1,cache.no-flush=on,file=disk1-own,backing=disk1-frozen ");
	assert_has(s, "-device vmgenid,guid=auto");
	features.vmgenid = false;
	without = line(&c);
	assert_lacks(without, "vmgenid");
}

/* QEMU gives a kernel that it loads itself the first place, and refuses another one there. */
static void a_kernel_that_is_loaded_leaves_disks_no_place_in_the_order(void **state)
{
	static const struct qemu_disk disk = { .bus = QEMU_BUS_VIRTIO, .own = 7 };
	static const struct qemu_os os = {
		.disks = &disk, .n_disks = 1, .serials = 1, .resets = true
	};
	static const int kept[] = { 7 };
	struct qemu_config c = config();
	_cleanup_free_ char *s = NULL;

	c.machine = QEMU_MICROVM;
	c.os = &os;
	c.keep_fds = kept;
	c.n_keep_fds = 1;
	s = line(&c);
	assert_has(s, "-kernel k");
	assert_has(s, "-device virtio-blk-device,drive=disk0,serial=vmrig0");
	assert_lacks(s, "bootindex");
	assert_lacks(s, "-no-reboot");
}

static void q35_takes_pci_devices(void **state)
{
	const char *const ports[] = { "a" };
	const struct qemu_share share = { "root", "/", true };
	struct qemu_config c = config();
	_cleanup_free_ char *s = NULL;

	c.machine = QEMU_Q35;
	c.ports = ports;
	c.n_ports = 1;
	c.shares = &share;
	c.n_shares = 1;
	s = line(&c);
	assert_has(s, "-machine q35 ");
	assert_has(s, "-device virtio-serial-pci,");
	assert_has(s, "-device virtio-9p-pci,fsdev=fs0,mount_tag=root ");
}

static void arms_virt_takes_virtio_mmio_and_nothing_of_a_pc(void **state)
{
	const char *const ports[] = { "a" };
	struct qemu_config c = config();
	_cleanup_free_ char *plain = NULL, *nested = NULL;

	c.machine = QEMU_VIRT;
	c.ports = ports;
	c.n_ports = 1;
	plain = line(&c);
	c.nested = true;
	nested = line(&c);
	assert_has(plain, "-machine virt,gic-version=3 -accel tcg,");
	assert_has(plain, "-cpu cortex-a76 ");
	assert_has(plain, "-device virtio-serial-device,max_ports=2 ");
	assert_lacks(plain, "pvpanic");
	assert_lacks(plain, "cpu_reset");
	assert_has(nested, "-machine virt,gic-version=3,virtualization=on ");
	assert_has(nested, "-cpu cortex-a76 ");
}

static void the_second_uart_is_com2_on_both(void **state)
{
	struct qemu_config c = config();
	_cleanup_free_ char *microvm = NULL, *q35 = NULL;

	c.second_uart = true;
	microvm = line(&c);
	c.machine = QEMU_Q35;
	q35 = line(&c);
	assert_has(microvm, "-device isa-serial,chardev=uart1,iobase=0x2f8,irq=3 ");
	assert_has(q35, "-device isa-serial,chardev=uart1,iobase=0x2f8,irq=3 ");
	assert_lacks(q35, "virtio-serial");
}

static void shares_are_read_only_unless_writable(void **state)
{
	const struct qemu_share shares[] = { { "a", "/x", false }, { "b", "/y", true } };
	struct qemu_config c = config();
	_cleanup_free_ char *s = NULL;

	c.shares = shares;
	c.n_shares = 2;
	s = line(&c);
	assert_has(s, "local,id=fs0,path=/x,security_model=none,multidevs=remap,readonly=on ");
	assert_has(s, "local,id=fs1,path=/y,security_model=none,multidevs=remap ");
}

static void a_comma_in_a_path_adds_no_option(void **state)
{
	const struct qemu_share share = { "t", "/a,readonly=off,b", false };
	struct qemu_config c = config();
	_cleanup_free_ char *s = NULL;

	c.shares = &share;
	c.n_shares = 1;
	s = line(&c);
	assert_has(s, "path=/a,,readonly=off,,b,security_model=none");
}

static void tcg_has_a_log_for_triple_faults_and_kvm_has_none(void **state)
{
	struct qemu_config c = config();
	_cleanup_free_ char *tcg = line(&c), *kvm = NULL;

	c.accel = QEMU_KVM;
	kvm = line(&c);
	assert_has(tcg, "-accel tcg,thread=multi");
	assert_has(tcg, "-cpu max,-erms,-fsrm ");
	assert_has(tcg, "-d cpu_reset -D /dev/fd/");
	assert_has(kvm, "-accel kvm ");
	assert_has(kvm, "-cpu host ");
	assert_lacks(kvm, "-D ");
}

static void the_cpu_can_be_named(void **state)
{
	struct qemu_config c = config();
	_cleanup_free_ char *s = NULL;

	c.accel = QEMU_KVM;
	c.cpu = "host,-arch-capabilities";
	s = line(&c);
	assert_has(s, "-cpu host,-arch-capabilities ");
}

static void kept_descriptors_keep_their_numbers(void **state)
{
	const int keep[] = { 3, 5, 6 };
	const char *const ports[] = { "a" };
	struct qemu_config c = config();
	struct qemu_fds fds;

	c.keep_fds = keep;
	c.n_keep_fds = 3;
	c.ports = ports;
	c.n_ports = 1;
	c.second_uart = true;
	qemu_fds_choose(&c, &fds);
	assert_int_equal(fds.console, 4);
	assert_int_equal(fds.qmp, 7);
	assert_int_equal(fds.log, 8);
	assert_int_equal(fds.ports[0], 9);
	assert_int_equal(fds.ports[1], 10);
}

static void what_qemu_lacks_is_left_out(void **state)
{
	const struct qemu_features bare = { .program = program };
	struct qemu_config c = config();
	_cleanup_free_ char *with = NULL, *without = NULL;

	c.sandbox = true;
	with = line(&c);
	c.features = &bare;
	without = line(&c);
	assert_has(with, "-sandbox on,");
	assert_has(with, "-device pvpanic");
	assert_lacks(without, "-sandbox");
	assert_lacks(without, "pvpanic");
}

static void extra_arguments_come_last(void **state)
{
	const char *const extra[] = { "-S", "-name", "x y" };
	struct qemu_config c = config();
	_cleanup_free_ char *s = NULL;

	c.initrd = "/dev/fd/9";
	c.cmdline = "a b=\"c\"";
	c.extra = extra;
	c.n_extra = 3;
	s = line(&c);
	assert_true(str_ends(s, "-kernel k -initrd /dev/fd/9 -append 'a b=\"c\"' -S -name 'x y'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(microvm_takes_virtio_mmio_devices),
		cmocka_unit_test(memory_of_a_file_is_shared_or_private),
		cmocka_unit_test(a_system_of_its_own_gets_its_media),
		cmocka_unit_test(what_another_guest_wrote_lies_between_the_image_and_our_own),
		cmocka_unit_test(a_kernel_that_is_loaded_leaves_disks_no_place_in_the_order),
		cmocka_unit_test(q35_takes_pci_devices),
		cmocka_unit_test(arms_virt_takes_virtio_mmio_and_nothing_of_a_pc),
		cmocka_unit_test(the_second_uart_is_com2_on_both),
		cmocka_unit_test(shares_are_read_only_unless_writable),
		cmocka_unit_test(a_comma_in_a_path_adds_no_option),
		cmocka_unit_test(tcg_has_a_log_for_triple_faults_and_kvm_has_none),
		cmocka_unit_test(the_cpu_can_be_named),
		cmocka_unit_test(kept_descriptors_keep_their_numbers),
		cmocka_unit_test(what_qemu_lacks_is_left_out),
		cmocka_unit_test(extra_arguments_come_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
