/* SPDX-License-Identifier: MIT */
/* The programs and files that guests and kernels are made with. */
#include <string.h>

#include "base/alloc.h"
#include "base/arch.h"
#include "base/path.h"
#include "base/text.h"
#include "doctor/private.h"
#include "qemu/qemu.h"

static bool have(const char *program)
{
	_cleanup_free_ char *path = NULL;

	return path_program(program, &path) == 0;
}

static void describe(const struct qemu_features *q, struct buf *b)
{
	const struct {
		bool has;
		const char *what;
	} all[] = { { q->machine_microvm, "microvm" }, { q->machine_q35, "q35" },
		{ q->machine_virt, "virt" }, { q->accel_kvm, "KVM" }, { q->accel_tcg, "TCG" },
		{ q->virtfs, "9p" }, { q->sandbox, "sandbox" }, { q->pvpanic, "pvpanic" },
		{ q->templates, "clones" } };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].has)
			buf_addf(b, "%s%s", b->len ? ", " : "", all[i].what);
}

static void check_qemu(const struct doctor *d, struct finding *f)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct qemu_features q = { 0 };
	struct err e = ERR_INIT;

	if (qemu_probe(arch_host(), &q, &e) < 0) {
		say_bad(f, DOCTOR_MISSING, "%s", err_text(&e));
		say_repair(f, "%s", e.hint ? e.hint : "apt install qemu-system-x86");
		err_release(&e);
		return;
	}
	describe(&q, &b);
	if (q.templates && q.virtfs)
		say_good(f, "%s, %s: %s", q.program, q.version, buf_str(&b));
	else {
		say_weak(f, DOCTOR_BROKEN, "%s, %s: %s", q.program, q.version, buf_str(&b));
		say_repair(f,
			"QEMU 7.2 or newer, with virtfs, has what is missing: without clones each test "
			"boots, without 9p the root is served more slowly.");
	}
	qemu_features_release(&q);
}

static void check_foreign(const struct doctor *d, struct finding *f)
{
	const char *arch = streq(arch_host(), "aarch64") ? "x86_64" : "aarch64";
	struct qemu_features q = { 0 };

	if (qemu_probe(arch, &q, NULL) == 0)
		say_good(f, "%s, %s", q.program, q.version);
	else {
		say_note(f, "no QEMU for %s", arch);
		say_repair(f, "apt install %s",
			streq(arch, "aarch64") ? "qemu-system-arm" : "qemu-system-x86");
	}
	qemu_features_release(&q);
}

static void check_firmware(const struct doctor *d, struct finding *f)
{
	static const char *const files[] = { "/usr/share/OVMF/OVMF_CODE_4M.fd",
		"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_CODE.fd",
		"/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/qemu/edk2-x86_64-code.fd" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (doctor_exists(d, files[i])) {
			say_good(f, "%s", files[i]);
			return;
		}
	say_note(f, "no OVMF: systems boot by BIOS, not by UEFI");
	say_repair(f, "apt install ovmf");
}

/* Says which of PROGRAMS are not here; false: all are. */
static bool missing(const char *const *programs, size_t n, struct buf *b)
{
	for (size_t i = 0; i < n; i++)
		if (!have(programs[i]))
			buf_addf(b, "%s%s", b->len ? ", " : "", programs[i]);
	return b->len > 0;
}

static void check_build(const struct doctor *d, struct finding *f)
{
	static const char *const programs[] = { "make", "flex", "bison", "bc", "ld", "perl",
		"tar" };
	_cleanup_buf_ struct buf b = BUF_INIT;

	missing(programs, ARRAY_SIZE(programs), &b);
	if (!have("gcc") && !have("clang"))
		buf_addf(&b, "%sgcc or clang", b.len ? ", " : "");
	if (!doctor_exists(d, "/usr/include/libelf.h"))
		buf_addf(&b, "%slibelf.h", b.len ? ", " : "");
	if (b.len) {
		say_weak(f, DOCTOR_MISSING, "not here: %s", buf_str(&b));
		say_repair(f, "apt install build-essential flex bison bc libelf-dev libssl-dev");
	} else
		say_good(f, "%s%s%s", have("gcc") ? "gcc" : "clang", have("ld.lld") ? ", LLVM" : "",
			have("ccache") ? ", ccache" : "");
}

static void check_cross(const struct doctor *d, struct finding *f)
{
	bool arm = streq(arch_host(), "aarch64");

	if (have(arm ? "x86_64-linux-gnu-gcc" : "aarch64-linux-gnu-gcc"))
		say_good(f, "%s", arm ? "x86_64-linux-gnu-gcc" : "aarch64-linux-gnu-gcc");
	else {
		say_note(f, "no compiler for %s", arm ? "x86_64" : "aarch64");
		say_repair(f, "apt install gcc-%s-linux-gnu", arm ? "x86-64" : "aarch64");
	}
}

const struct check doctor_engine_checks[] = {
	{ "qemu", "engine", "every guest runs in it", check_qemu },
	{ "qemu-foreign", "engine", "kernels of another architecture run in it", check_foreign },
	{ "uefi", "engine", "systems that boot by UEFI need it", check_firmware },
	{ "kernel-build", "engine", "vmrig kernel build needs them", check_build },
	{ "kernel-cross", "engine", "vmrig kernel build for the other architecture needs it",
		check_cross },
	{ 0 },
};
