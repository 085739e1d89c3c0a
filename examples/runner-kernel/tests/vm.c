/* SPDX-License-Identifier: MIT */
/* /dev/kvm runs code: a virtual machine adds 2 and 2 and hands the sum out through a port. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* add %bl,%al; out %al,$0x10; hlt, in real mode */
static const uint8_t code[] = { 0x00, 0xd8, 0xe6, 0x10, 0xf4 };

static int failed(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 1;
}

/* A machine with one page of memory at 0x1000, where CODE lies. */
static int make_vm(int kvm)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region memory = {
		.guest_phys_addr = 0x1000, .memory_size = 4096, .userspace_addr = (uintptr_t)page
	};
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);

	if (vm < 0 || page == MAP_FAILED)
		return -1;
	memcpy(page, code, sizeof(code));
	return ioctl(vm, KVM_SET_USER_MEMORY_REGION, &memory) < 0 ? -1 : vm;
}

static int set_registers(int vcpu)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = 0x1000, .rax = 2, .rbx = 2, .rflags = 2 };

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0)
		return -1;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0)
		return -1;
	return ioctl(vcpu, KVM_SET_REGS, &regs);
}

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR), vm, vcpu;
	struct kvm_run *run;

	if (kvm < 0)
		return failed("/dev/kvm");
	vm = make_vm(kvm);
	vcpu = vm < 0 ? -1 : ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		return failed("making a virtual machine");
	run = mmap(NULL, (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE,
		MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED || set_registers(vcpu) < 0)
		return failed("setting it up");
	if (ioctl(vcpu, KVM_RUN, 0) < 0)
		return failed("KVM_RUN");
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != 0x10 ||
		((uint8_t *)run)[run->io.data_offset] != 4) {
		fprintf(stderr, "exit reason %u instead of a port that says 4\n", run->exit_reason);
		return 1;
	}
	return 0;
}
