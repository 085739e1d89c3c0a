/* SPDX-License-Identifier: MIT */
#include "kvmio/lists_x86_64.h"
#include "kvmio/private.h"

int kvmio_arch_vcpu_setup(struct kvmio_vcpu *vcpu, const struct kvmio_vm *vm)
{
	int size = kvmio_vm_check_extension(vm, KVMIO_CAP_XSAVE2);

	if (size < 0)
		return size;
	/* Before XSAVE2 the state was never larger. */
	vcpu->xsave_size = size > 0 ? (uint32_t)size : sizeof(struct kvm_xsave);
	return 0;
}

int kvmio_vcpu_get_regs(const struct kvmio_vcpu *vcpu, struct kvm_regs *ret)
{
	return kvm_ioctl(vcpu->fd, KVM_GET_REGS, ret);
}

int kvmio_vcpu_set_regs(const struct kvmio_vcpu *vcpu, const struct kvm_regs *regs)
{
	return kvm_ioctl(vcpu->fd, KVM_SET_REGS, regs);
}

int kvmio_vcpu_get_sregs(const struct kvmio_vcpu *vcpu, struct kvm_sregs *ret)
{
	return kvm_ioctl(vcpu->fd, KVM_GET_SREGS, ret);
}

int kvmio_vcpu_set_sregs(const struct kvmio_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	return kvm_ioctl(vcpu->fd, KVM_SET_SREGS, sregs);
}

int kvmio_vcpu_get_sregs2(const struct kvmio_vcpu *vcpu, struct kvm_sregs2 *ret)
{
	return kvm_ioctl(vcpu->fd, KVM_GET_SREGS2, ret);
}

int kvmio_vcpu_set_sregs2(const struct kvmio_vcpu *vcpu, const struct kvm_sregs2 *sregs)
{
	return kvm_ioctl(vcpu->fd, KVM_SET_SREGS2, sregs);
}

int kvmio_vcpu_get_fpu(const struct kvmio_vcpu *vcpu, struct kvm_fpu *ret)
{
	return kvm_ioctl(vcpu->fd, KVM_GET_FPU, ret);
}

int kvmio_vcpu_set_fpu(const struct kvmio_vcpu *vcpu, const struct kvm_fpu *fpu)
{
	return kvm_ioctl(vcpu->fd, KVM_SET_FPU, fpu);
}

int kvmio_vcpu_get_lapic(const struct kvmio_vcpu *vcpu, struct kvm_lapic_state *ret)
{
	return kvm_ioctl(vcpu->fd, KVM_GET_LAPIC, ret);
}

int kvmio_vcpu_set_lapic(const struct kvmio_vcpu *vcpu, const struct kvm_lapic_state *lapic)
{
	return kvm_ioctl(vcpu->fd, KVM_SET_LAPIC, lapic);
}

int kvmio_vcpu_get_xcrs(const struct kvmio_vcpu *vcpu, struct kvm_xcrs *ret)
{
	return kvm_ioctl(vcpu->fd, KVM_GET_XCRS, ret);
}

int kvmio_vcpu_set_xcrs(const struct kvmio_vcpu *vcpu, const struct kvm_xcrs *xcrs)
{
	return kvm_ioctl(vcpu->fd, KVM_SET_XCRS, xcrs);
}

int kvmio_vcpu_get_debugregs(const struct kvmio_vcpu *vcpu, struct kvm_debugregs *ret)
{
	return kvm_ioctl(vcpu->fd, KVM_GET_DEBUGREGS, ret);
}

int kvmio_vcpu_set_debugregs(const struct kvmio_vcpu *vcpu, const struct kvm_debugregs *regs)
{
	return kvm_ioctl(vcpu->fd, KVM_SET_DEBUGREGS, regs);
}

int kvmio_vcpu_set_cpuid2(
	const struct kvmio_vcpu *vcpu, const struct kvm_cpuid_entry2 *entries, size_t n)
{
	return kvmio_set_cpuid(vcpu->fd, entries, n);
}

/*
 * Kernels before 6.3 do not say how many entries there are, only whether N were enough. So where they claim all N,
 * look for the smallest number that is enough.
 */
int kvmio_vcpu_get_cpuid2(const struct kvmio_vcpu *vcpu, struct kvm_cpuid_entry2 *entries, size_t n)
{
	int r = kvmio_get_cpuid(vcpu->fd, KVM_GET_CPUID2, entries, n);
	size_t low = 0, high = n, probe = n - 1;

	if (r < 0 || (size_t)r < n)
		return r;
	/* high is enough; whatever is below low is not. */
	while (low < high) {
		r = kvmio_get_cpuid(vcpu->fd, KVM_GET_CPUID2, entries, probe);
		if (r >= 0)
			high = probe;
		else if (r == -E2BIG)
			low = probe + 1;
		else
			return r;
		probe = low + (high - low) / 2;
	}
	return (int)high;
}

int kvmio_vcpu_get_msrs(const struct kvmio_vcpu *vcpu, struct kvm_msr_entry *entries, size_t n)
{
	return kvmio_get_msrs(vcpu->fd, entries, n);
}

int kvmio_vcpu_set_msrs(
	const struct kvmio_vcpu *vcpu, const struct kvm_msr_entry *entries, size_t n)
{
	return kvmio_set_msrs(vcpu->fd, entries, n);
}

/* KVM_SET_XSAVE reads xsave_size bytes, whatever the type of its argument says. */

int kvmio_vcpu_get_xsave(const struct kvmio_vcpu *vcpu, struct kvm_xsave *ret)
{
	return kvm_ioctl(vcpu->fd, KVM_GET_XSAVE, ret);
}

int kvmio_vcpu_set_xsave(const struct kvmio_vcpu *vcpu, const struct kvm_xsave *xsave)
{
	return kvmio_vcpu_set_xsave2(vcpu, xsave, sizeof(*xsave));
}

int kvmio_vcpu_get_xsave2(const struct kvmio_vcpu *vcpu, void *buf, size_t len)
{
	return len < vcpu->xsave_size ? -EINVAL : kvm_ioctl(vcpu->fd, KVM_GET_XSAVE2, buf);
}

int kvmio_vcpu_set_xsave2(const struct kvmio_vcpu *vcpu, const void *buf, size_t len)
{
	return len < vcpu->xsave_size ? -EINVAL : kvm_ioctl(vcpu->fd, KVM_SET_XSAVE, buf);
}

int kvmio_vcpu_get_tsc_khz(const struct kvmio_vcpu *vcpu)
{
	return kvm_ioctl_value(vcpu->fd, KVM_GET_TSC_KHZ, 0);
}

int kvmio_vcpu_set_tsc_khz(const struct kvmio_vcpu *vcpu, uint32_t khz)
{
	return kvm_ioctl_value(vcpu->fd, KVM_SET_TSC_KHZ, khz);
}

static struct kvm_device_attr tsc_offset_attr(const uint64_t *offset)
{
	return (struct kvm_device_attr){
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)offset,
	};
}

int kvmio_vcpu_get_tsc_offset(const struct kvmio_vcpu *vcpu, uint64_t *ret)
{
	struct kvm_device_attr attr = tsc_offset_attr(ret);

	return kvmio_vcpu_get_attr(vcpu, &attr);
}

int kvmio_vcpu_set_tsc_offset(const struct kvmio_vcpu *vcpu, uint64_t offset)
{
	struct kvm_device_attr attr = tsc_offset_attr(&offset);

	return kvmio_vcpu_set_attr(vcpu, &attr);
}

int kvmio_vcpu_translate(const struct kvmio_vcpu *vcpu, uint64_t gva, struct kvm_translation *ret)
{
	struct kvm_translation t = { .linear_address = gva };
	int r = kvm_ioctl(vcpu->fd, KVM_TRANSLATE, &t);

	if (r >= 0)
		*ret = t;
	return r;
}

int kvmio_vcpu_kvmclock_ctrl(const struct kvmio_vcpu *vcpu)
{
	return kvm_ioctl_value(vcpu->fd, KVM_KVMCLOCK_CTRL, 0);
}

int kvmio_vcpu_nmi(const struct kvmio_vcpu *vcpu)
{
	return kvm_ioctl_value(vcpu->fd, KVM_NMI, 0);
}

int kvmio_vcpu_smi(const struct kvmio_vcpu *vcpu)
{
	return kvm_ioctl_value(vcpu->fd, KVM_SMI, 0);
}

int kvmio_vcpu_get_nested_state(
	const struct kvmio_vcpu *vcpu, struct kvm_nested_state *buf, size_t len)
{
	int r;

	if (len < sizeof(*buf))
		return -EINVAL;
	buf->size = len < UINT32_MAX ? (uint32_t)len : UINT32_MAX;
	r = kvm_ioctl(vcpu->fd, KVM_GET_NESTED_STATE, buf);
	return r < 0 ? r : (int)buf->size;
}

int kvmio_vcpu_set_nested_state(
	const struct kvmio_vcpu *vcpu, const struct kvm_nested_state *buf, size_t len)
{
	if (len < sizeof(*buf) || len < buf->size)
		return -EINVAL;
	return kvm_ioctl(vcpu->fd, KVM_SET_NESTED_STATE, buf);
}
