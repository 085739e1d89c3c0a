/* SPDX-License-Identifier: MIT */
/* What the lines of a report tell of the place: registers, call traces, and whom not to blame. */
#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "console/report.h"

/*
 * Functions that report, trap, copy, lock or enter: where a fault shows, not where it is made.
 * A '*' at the end stands for any rest.
 */
static const char *const boring[] = {
	/* reporting */
	"dump_stack*",
	"__dump_stack",
	"dump_backtrace*",
	"show_stack*",
	"show_trace*",
	"show_regs*",
	"walk_stackframe",
	"panic",
	"vpanic",
	"nmi_panic*",
	"__warn*",
	"warn_slowpath*",
	"report_bug*",
	"__report_bug",
	"handle_bug",
	"fixup_bug",
	"bug_handler",
	"brk_handler",
	"call_break_hook",
	"call_el1_break_hook",
	"die",
	"die_*",
	"__die*",
	"oops_*",
	"notify_die",
	"no_context",
	"page_fault_oops",
	"kernelmode_fixup_or_oops",
	"print_*",
	"check_panic_on_warn",
	"debug_object*",
	"debug_print_object",
	"check_corruption*",
	"bad_page*",
	"check_new_page*",
	"free_page_is_bad*",
	"dump_header*",
	"oom_kill_process",
	"out_of_memory",
	/* traps and entry */
	"exc_*",
	"asm_*",
	"sysvec_*",
	"__sysvec_*",
	"do_error_trap",
	"do_trap*",
	"do_invalid_op",
	"invalid_op",
	"do_user_addr_fault",
	"do_kern_addr_fault",
	"do_page_fault",
	"__do_page_fault",
	"handle_page_fault",
	"page_fault",
	"async_page_fault",
	"do_general_protection",
	"general_protection",
	"math_error",
	"divide_error",
	"error_entry",
	"ret_from_*",
	"bad_area*",
	"__bad_area*",
	"el0*",
	"el1*",
	"do_el0_svc*",
	"invoke_syscall*",
	"do_mem_abort",
	"do_translation_fault",
	"do_sea",
	"do_debug_exception",
	"do_undefinstr",
	"__do_kernel_fault",
	"handle_exception",
	"entry_SYSCALL*",
	"do_syscall_64",
	"x64_sys_call",
	"do_int80*",
	"do_trap_ecall_u",
	"common_interrupt*",
	"irq_exit*",
	"__irq_exit*",
	"apic_timer*",
	"smp_apic*",
	"__handle_irq*",
	"rewind_stack*",
	"make_task_dead",
	"do_exit",
	"do_group_exit",
	"kthread",
	"default_idle*",
	"native_safe_halt",
	"pv_native_safe_halt",
	"cpuidle_*",
	"arch_cpu_idle",
	"cpu_startup_entry",
	"do_idle",
	"start_secondary*",
	"secondary_startup*",
	/* sanitizers and checks */
	"kasan_*",
	"__kasan_*",
	"__asan_*",
	"check_memory_region*",
	"check_region_inline",
	"kmsan_*",
	"__msan_*",
	"kcsan_*",
	"__tsan_*",
	"kfence_*",
	"__kfence_*",
	"ubsan_*",
	"__ubsan_*",
	"val_to_string",
	"handle_overflow",
	"end_report",
	"refcount_*",
	"__refcount_*",
	"kref_*",
	"__list_add_valid*",
	"__list_del_entry_valid*",
	"__stack_chk_fail",
	"fortify_panic*",
	"__fortify_*",
	"usercopy_abort",
	"__check_object_size*",
	"check_heap_object*",
	"__check_heap_object",
	"__copy_overflow",
	"stackdepot*",
	"stack_trace_save",
	"save_stack*",
	/* memory */
	"memcpy*",
	"__memcpy*",
	"memset*",
	"__memset*",
	"memmove*",
	"__memmove*",
	"memcmp*",
	"memchr*",
	"strlen",
	"strnlen",
	"strcmp",
	"strncmp",
	"strcpy",
	"strncpy",
	"strlcpy",
	"strscpy*",
	"strcat",
	"strchr",
	"strstr",
	"_copy_*",
	"__copy_*",
	"copy_user_*",
	"copy_page*",
	"clear_page*",
	"rep_movs*",
	"rep_stos*",
	"instrument_*",
	"kfree*",
	"kmem_cache_*",
	"kmalloc*",
	"__kmalloc*",
	"slab_*",
	"__slab_*",
	"___slab_*",
	"do_slab_free",
	"set_freepointer",
	"free_debug_processing",
	"object_err",
	"check_bytes_and_report",
	"check_object",
	"on_freelist",
	"alloc_debug_processing",
	"check_slab",
	"get_freepointer*",
	"qlist_*",
	"kvfree",
	"vfree",
	/* locks, sleeping, the scheduler */
	"lockdep_*",
	"lock_acquire*",
	"lock_release*",
	"__lock_*",
	"lock_is_held*",
	"check_noncircular",
	"check_prev*",
	"check_deadlock",
	"validate_chain",
	"mark_lock*",
	"mark_usage",
	"mark_held_locks",
	"register_lock_class",
	"debug_check_no_locks*",
	"__might_*",
	"___might_sleep",
	"might_*",
	"rcu_lockdep*",
	"__schedule*",
	"schedule*",
	"io_schedule*",
	"preempt_schedule*",
	"context_switch",
	"__cond_resched*",
	"_cond_resched",
	"wait_for_completion*",
	"__wait_for_common*",
	"wait_for_common*",
	"do_wait_for_common",
	"bit_wait*",
	"__wait_on_bit*",
	"out_of_line_wait*",
	"mutex_lock*",
	"__mutex_*",
	"mutex_unlock",
	"down_*",
	"__down_*",
	"up_read",
	"up_write",
	"rwsem_*",
	"rt_mutex_*",
	"__rt_mutex_*",
	"_raw_spin_*",
	"_raw_read_*",
	"_raw_write_*",
	"__raw_spin_*",
	"__raw_read_*",
	"__raw_write_*",
	"do_raw_*",
	"queued_spin_*",
	"queued_read_*",
	"queued_write_*",
	"native_queued_*",
	"pv_queued_*",
	"__pv_queued_*",
	"spin_lock*",
	"spin_unlock*",
	"msleep*",
	"usleep_range*",
	"check_preemption_disabled",
	"debug_smp_processor_id",
	"__this_cpu_preempt_check",
	/* clocks and watchdogs */
	"nmi_*",
	"__nmi_*",
	"default_do_nmi",
	"end_repeat_nmi",
	"trigger_*_backtrace",
	"arch_trigger_*",
	"watchdog*",
	"check_hung_*",
	"rcu_sched_clock_irq",
	"rcu_check_*",
	"rcu_dump_*",
	"rcu_pending",
	"check_cpu_stall*",
	"tick_*",
	"update_process_times",
	"hrtimer_*",
	"__hrtimer_*",
	"perf_event_overflow*",
	"__perf_event_overflow*",
	"handle_pmi_common",
	"intel_pmu_handle_irq",
	"perf_event_nmi_handler",
	"cpu_relax",
	"rep_nop",
	"delay_tsc",
	"__delay",
	"__const_udelay",
	"csd_lock_wait*",
	"smp_call_function*",
};

bool frame_is_boring(const char *function)
{
	for (size_t i = 0; i < ARRAY_SIZE(boring); i++) {
		size_t n = strlen(boring[i]);

		if (boring[i][n - 1] == '*' ? !strncmp(function, boring[i], n - 1)
					    : streq(function, boring[i]))
			return true;
	}
	return false;
}

/* What a line of a report begins with, whatever it complains of. */
static const char *const own_starts[] = { "CPU:", "CPU ",
	"Hardware name:", "Tainted:", "Not tainted", "Modules linked in:", "Workqueue:",
	"Call Trace:", "Call trace:", "Backtrace:", "stack backtrace:", "<TASK>", "</TASK>",
	"<IRQ>", "</IRQ>", "<NMI>", "</NMI>", "<#DF>", "</#DF>", "<#DB>", "</#DB>",
	"RIP:", "RSP:", "EIP:", "Code:", "RAX:", "RDX:", "RBP:", "R10:", "R13:", "FS:", "CS:",
	"CR2:", "DR0:", "DR3:", "PKRU:", "ORIG_RAX:", "EFLAGS:", "#PF:", "PGD ", "PGD:", "BAD",
	"pstate:", "pc :", "lr :", "sp :", "pmr_save:", "epc :", "gp :", "ra :", "status:",
	"Mem abort", "Data abort",
	"ESR =", "EC =", "SET =", "EA =", "FSC =", "ISV =", "CM =", "user pgtable",
	"swapper pgtable", "[", "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "t0",
	"t1", "t2", "t3", "t4", "t5", "t6", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8",
	"s9", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "Oops", "KASAN:", "Read of size",
	"Write of size", "Read at addr", "Write at addr", "Allocated by", "Freed by",
	"Last potentially", "The buggy", "which belongs", "Memory state", ">", "==", "--",
	"page:", "page last", "page dumped",
	"flags:", "raw:", "head:", "rcu:", "(t=", "(detected by", "Sending NMI", "NMI backtrace",
	"Task dump", "task:", "\"echo 0", "Kernel Offset:", "SMP: stopping",
	"Memory Limit:", "CPU features:", "Rebooting in", "Dumping ftrace", "---[ end",
	"irq event stamp", "hardirqs last", "softirqs last", "Preemption disabled at",
	"in_atomic()", "preempt_count:", "RCU nest", "locks held by", "no locks held", "#",
	"other info", "stack guard", "list_", "Showing all locks", "Showing busy", "comm \"",
	"hex dump", "backtrace", "Shutting down cpus", "value changed:", "Reported by",
	"write to 0x", "read to 0x", "read-write to", "addr:", "file:", "Disabling lock",
	"Pid:", "Process ", "Stack:", "note:" };

static bool has_own_form(const char *s)
{
	if (*s == '\0')
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(own_starts); i++)
		if (*s == *own_starts[i] && str_starts(s, own_starts[i]))
			return true;
	return strstr(s, " locks held by ") || strstr(s, " lock held by ") ||
	       strstr(s, "ainted: ") || strstr(s, "ainted ");
}

static bool begins_trace(const char *s)
{
	return str_starts(s, "Call Trace") || str_starts(s, "Call trace") ||
	       str_starts(s, "Backtrace:") || str_starts(s, "backtrace");
}

/* Where the processor was: "RIP: 0010:f+0x…", "pc : f+0x…" (arm64), "epc : f+0x…" (riscv). A RIP in
 * user space has another selector and no name. */
static void note_pc(struct report *r, const char *s)
{
	struct symref ref;

	if (r->pc[0] || !(str_starts(s, "RIP:") || str_starts(s, "pc :") ||
				str_starts(s, "epc :") || str_starts(s, "PC is at")))
		return;
	if (symref_find(s, &ref))
		symref_base_name(&ref, r->pc, sizeof(r->pc));
}

static void note_frame(struct report *r, const struct symref *ref)
{
	char name[FUNC_MAX];

	r->framed = true;
	if (r->n_frames == REPORT_FRAMES || ref->name_len == 0)
		return;
	symref_base_name(ref, name, sizeof(name));
	if (frame_is_boring(name))
		return;
	memcpy(r->frames[r->n_frames++], name, sizeof(name));
}

bool report_note(struct report *r, const char *line)
{
	const char *s = line + strspn(line, " \t");
	struct symref ref;
	bool reliable;

	note_pc(r, s);
	if (!r->access[0] && (str_starts(s, "Read ") || str_starts(s, "Write ")))
		memcpy(r->access, s, strcspn(s, " "));
	if (begins_trace(s)) {
		/* Of several traces the first that has frames is the complainer's. */
		r->trace_ended = r->framed;
		r->trace_begun = r->in_trace = true;
		return true;
	}
	if (symref_frame(line, &ref, &reliable)) {
		if (r->in_trace && reliable && !r->trace_ended)
			note_frame(r, &ref);
		return true;
	}
	if (str_starts(s, "</TASK>"))
		r->in_trace = false;
	return has_own_form(s);
}

const char *report_function(const struct report *r, char buf[static FUNC_MAX])
{
	struct symref ref;
	const char *trace = r->n_frames > 0 ? r->frames[0] : "";

	buf[0] = '\0';
	if (r->pattern && (r->pattern->flags & PAT_HEAD_FUNC) && symref_find(r->head, &ref))
		symref_base_name(&ref, buf, FUNC_MAX);
	else if (r->warn && symref_find(r->warn, &ref))
		symref_base_name(&ref, buf, FUNC_MAX);
	if (buf[0] && !frame_is_boring(buf))
		return buf;
	if (r->pattern && (r->pattern->flags & PAT_TRACE_FIRST) && *trace)
		return trace;
	if (r->pc[0] && !frame_is_boring(r->pc))
		return r->pc;
	if (*trace)
		return trace;
	return r->pc[0] ? r->pc : buf;
}
