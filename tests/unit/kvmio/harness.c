/* SPDX-License-Identifier: MIT */
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

/* A guest that hangs ends the test, and an emulated host is slow. */
#define LIMIT_S 120

/* What is too large for memory is an error that tests look for, with AddressSanitizer too. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

int rig_make(void **state)
{
	static struct rig rig;

	rig = (struct rig){
		.sys = KVMIO_SYSTEM_INIT,
		.vm = KVMIO_VM_INIT,
		.vcpu = KVMIO_VCPU_INIT,
		.other = KVMIO_VCPU_INIT,
		.dev = KVMIO_DEVICE_INIT,
		.stats = KVMIO_STATS_INIT,
		.fd = { -1, -1, -1, -1 },
	};
	*state = &rig;
	alarm(LIMIT_S);
	(void)kvmio_system_open(&rig.sys, NULL, 0);
	return 0;
}

int rig_free(void **state)
{
	struct rig *rig = *state;

	alarm(0);
	for (size_t i = 0; i < ARRAY_SIZE(rig->fd); i++) {
		if (rig->fd[i] >= 0)
			close(rig->fd[i]);
	}
	kvmio_stats_release(&rig->stats);
	kvmio_device_release(&rig->dev);
	kvmio_vcpu_release(&rig->other);
	kvmio_vcpu_release(&rig->vcpu);
	kvmio_vm_release(&rig->vm);
	kvmio_system_release(&rig->sys);
	if (rig->mem)
		munmap(rig->mem, rig->mem_size);
	return 0;
}

void skip_test(const char *test, const char *format, ...)
{
	va_list ap;

	printf("# skipped: %s: ", test);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	skip();
}

struct rig *rig_need_kvm(struct rig *rig, const char *test)
{
	if (rig->sys.fd < 0)
		skip_test(test, "/dev/kvm does not open");
	return rig;
}

int rig_need_cap(struct rig *rig, int cap, const char *test)
{
	int n = rig->vm.fd >= 0 ? kvmio_vm_check_extension(&rig->vm, cap)
				: kvmio_system_check_extension(&rig->sys, cap);

	assert_true(n >= 0);
	if (n == 0)
		skip_test(test, "no %s", kvmio_cap_name(cap));
	return n;
}

void rig_vm(struct rig *rig)
{
	if (rig->vm.fd < 0)
		assert_int_equal(kvmio_vm_create(&rig->vm, &rig->sys), 0);
}

void rig_memory(struct rig *rig, uint64_t gpa, size_t size, uint32_t flags)
{
	struct kvm_userspace_memory_region region = {
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
	};
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(mem != MAP_FAILED);
	assert_null(rig->mem);
	rig->mem = mem;
	rig->mem_gpa = gpa;
	rig->mem_size = size;
	region.userspace_addr = (uintptr_t)mem;
	rig_vm(rig);
	assert_int_equal(kvmio_vm_set_memory(&rig->vm, &region), 0);
}

void rig_vcpu(struct rig *rig)
{
	rig_vm(rig);
	assert_int_equal(kvmio_vcpu_create(&rig->vcpu, &rig->vm, 0), 0);
}

int rig_eventfd(struct rig *rig, size_t i)
{
	assert_true(i < ARRAY_SIZE(rig->fd) && rig->fd[i] < 0);
	rig->fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(rig->fd[i] >= 0);
	return rig->fd[i];
}

bool rung(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) == sizeof(n);
}

void run_to(struct rig *rig, enum kvmio_exit_type type, struct kvmio_exit *ret)
{
	int r;

	do
		r = kvmio_vcpu_run(&rig->vcpu, ret);
	while (r == -EINTR && !rig->vcpu.run->immediate_exit);
	if (r < 0)
		fail_msg("run: %s", strerror(-r));
	if (ret->type != type)
		fail_msg("%s in place of %s", kvmio_exit_name(ret->type), kvmio_exit_name(type));
}
