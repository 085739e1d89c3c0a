/* SPDX-License-Identifier: MIT */
#include <sys/mman.h>
#include <unistd.h>

#include "kvmio/private.h"

int kvmio_vcpu_from_fd(struct kvmio_vcpu *vcpu, const struct kvmio_vm *vm, int fd)
{
	struct kvmio_vcpu new = {
		.fd = fd,
		.run_size = vm->run_size,
		.dirty_ring_size = vm->dirty_ring_size,
	};
	int r;

	if (vm->run_size < sizeof(*new.run))
		return -EINVAL;
	r = kvmio_arch_vcpu_setup(&new, vm);
	if (r < 0)
		return r;
	new.run = mmap(NULL, new.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (new.run == MAP_FAILED)
		return -errno;
	*vcpu = new;
	return 0;
}

int kvmio_vcpu_create(struct kvmio_vcpu *vcpu, const struct kvmio_vm *vm, unsigned long id)
{
	int fd = kvm_ioctl_value(vm->fd, KVM_CREATE_VCPU, id), r;

	if (fd < 0)
		return fd;
	r = kvmio_vcpu_from_fd(vcpu, vm, fd);
	if (r < 0)
		close(fd);
	return r;
}

void kvmio_vcpu_release(struct kvmio_vcpu *vcpu)
{
	if (vcpu->dirty_ring)
		munmap(vcpu->dirty_ring, vcpu->dirty_ring_size);
	if (vcpu->run)
		munmap(vcpu->run, vcpu->run_size);
	if (vcpu->fd >= 0)
		close(vcpu->fd);
	*vcpu = (struct kvmio_vcpu)KVMIO_VCPU_INIT;
}

void kvmio_vcpu_set_immediate_exit(struct kvmio_vcpu *vcpu, bool on)
{
	__atomic_store_n(&vcpu->run->immediate_exit, on, __ATOMIC_RELAXED);
}

int kvmio_vcpu_enable_cap(
	const struct kvmio_vcpu *vcpu, uint32_t cap, uint32_t flags, const uint64_t args[4])
{
	return kvmio_enable_cap(vcpu->fd, cap, flags, args);
}

int kvmio_vcpu_get_mp_state(const struct kvmio_vcpu *vcpu, uint32_t *ret)
{
	struct kvm_mp_state state = { 0 };
	int r = kvm_ioctl(vcpu->fd, KVM_GET_MP_STATE, &state);

	if (r >= 0)
		*ret = state.mp_state;
	return r;
}

int kvmio_vcpu_set_mp_state(const struct kvmio_vcpu *vcpu, uint32_t state)
{
	struct kvm_mp_state s = { .mp_state = state };

	return kvm_ioctl(vcpu->fd, KVM_SET_MP_STATE, &s);
}

int kvmio_vcpu_set_guest_debug(const struct kvmio_vcpu *vcpu, const struct kvm_guest_debug *debug)
{
	return kvm_ioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, debug);
}

void kvmio_vcpu_set_sync_valid(struct kvmio_vcpu *vcpu, uint64_t regs)
{
	vcpu->run->kvm_valid_regs |= regs;
}

void kvmio_vcpu_clear_sync_valid(struct kvmio_vcpu *vcpu, uint64_t regs)
{
	vcpu->run->kvm_valid_regs &= ~regs;
}

void kvmio_vcpu_set_sync_dirty(struct kvmio_vcpu *vcpu, uint64_t regs)
{
	vcpu->run->kvm_dirty_regs |= regs;
}

void kvmio_vcpu_clear_sync_dirty(struct kvmio_vcpu *vcpu, uint64_t regs)
{
	vcpu->run->kvm_dirty_regs &= ~regs;
}

struct kvm_sync_regs *kvmio_vcpu_sync_regs(struct kvmio_vcpu *vcpu)
{
	return &vcpu->run->s.regs;
}

int kvmio_vcpu_has_attr(const struct kvmio_vcpu *vcpu, const struct kvm_device_attr *attr)
{
	return kvm_ioctl(vcpu->fd, KVM_HAS_DEVICE_ATTR, attr);
}

int kvmio_vcpu_set_attr(const struct kvmio_vcpu *vcpu, const struct kvm_device_attr *attr)
{
	return kvm_ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, attr);
}

int kvmio_vcpu_get_attr(const struct kvmio_vcpu *vcpu, const struct kvm_device_attr *attr)
{
	return kvm_ioctl(vcpu->fd, KVM_GET_DEVICE_ATTR, attr);
}
