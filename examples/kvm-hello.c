/* SPDX-License-Identifier: MIT */
/*
 * A VM that says hello: 16-bit code that writes a text to the serial port, one `out` an exit.
 * Build: cc kvm-hello.c $(pkg-config --cflags --libs kvmio)
 */
#include <errno.h>
#include <kvmio.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { BASE = 0x1000, SIZE = 0x1000 };

static const unsigned char code[] = {
	0xbe, 0x0f, 0x10, 0xba, 0xf8, 0x03, /* 1000: mov $text, %si; mov $0x3f8, %dx */
	0xac, /* 1006: next: lodsb */
	0x84, 0xc0, 0x74, 0x03, /* 1007: test %al, %al; jz done */
	0xee, /* 100b: out %al, (%dx) */
	0xeb, 0xf8, /* 100c: jmp next */
	0xf4, /* 100e: done: hlt */
};
static const char text[] = "Hello from a VM\n";

static int run(struct kvmio_vcpu *vcpu)
{
	struct kvmio_exit exit;
	int r;

	while ((r = kvmio_vcpu_run(vcpu, &exit)) == 0) {
		if (exit.type == KVMIO_EXIT_HLT)
			return 0;
		if (exit.type != KVMIO_EXIT_IO_OUT || exit.io.port != 0x3f8)
			return -EPROTO;
		fwrite(exit.io.data, 1, exit.io.len, stdout);
	}
	return r;
}

int main(void)
{
	struct kvmio_system sys = KVMIO_SYSTEM_INIT;
	struct kvmio_vm vm = KVMIO_VM_INIT;
	struct kvmio_vcpu vcpu = KVMIO_VCPU_INIT;
	struct kvm_userspace_memory_region region = { 0, 0, BASE, SIZE, 0 };
	struct kvm_regs regs = { .rip = BASE, .rflags = 2 };
	struct kvm_sregs sregs = { 0 };
	unsigned char *memory =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int r;

	if (memory == MAP_FAILED)
		return 1;
	memcpy(memory, code, sizeof(code));
	memcpy(memory + sizeof(code), text, sizeof(text));
	region.userspace_addr = (uintptr_t)memory;

	r = kvmio_system_open(&sys, NULL, 0);
	if (r == 0)
		r = kvmio_vm_create(&vm, &sys);
	if (r == 0)
		r = kvmio_vm_set_memory(&vm, &region);
	if (r == 0)
		r = kvmio_vcpu_create(&vcpu, &vm, 0);
	if (r == 0)
		r = kvmio_vcpu_get_sregs(&vcpu, &sregs);
	sregs.cs.base = sregs.cs.selector = 0;
	if (r == 0)
		r = kvmio_vcpu_set_sregs(&vcpu, &sregs);
	if (r == 0)
		r = kvmio_vcpu_set_regs(&vcpu, &regs);
	if (r == 0)
		r = run(&vcpu);
	if (r < 0)
		fprintf(stderr, "kvm-hello: %s\n", strerror(-r));
	kvmio_vcpu_release(&vcpu);
	kvmio_vm_release(&vm);
	kvmio_system_release(&sys);
	return r < 0;
}
