// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/net/mvsock: a line for each open device that the reader is allowed to see.
 *
 *	cid pid comm state features connections rx_packets ...
 *	42 1234 qemu-system-x86 running 0x100000003 2 17 ...
 *
 * Columns are identified by the names in the first line: others may be added between them.
 */
#include <linux/cred.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string_helpers.h>
#include <net/net_namespace.h>

#include <mvsock/device.h>

/* Open devices, in the order they were opened. */
static LIST_HEAD(devices);
/* Protects the list, and the owners. Do not sleep waiting for others while holding it. */
static DEFINE_MUTEX(devices_mutex);

/* The file, or NULL. */
static struct proc_dir_entry *entry;

/**
 * mvs_proc_add - list a device
 * @device: the device, set up
 *
 * Context: process; may sleep.
 */
void mvs_proc_add(struct mvs_device *device)
{
	mutex_lock(&devices_mutex);
	list_add_tail(&device->list, &devices);
	mutex_unlock(&devices_mutex);
}

/**
 * mvs_proc_remove - undo mvs_proc_add()
 * @device: the device; not accessed any more after this returns
 *
 * Context: process; may sleep.
 */
void mvs_proc_remove(struct mvs_device *device)
{
	mutex_lock(&devices_mutex);
	list_del(&device->list);
	mutex_unlock(&devices_mutex);
}

/**
 * mvs_proc_set_owner - set a device's owner
 * @device: the device, listed or not
 * @owner: the VMM's process, with a reference that is taken over; or NULL
 *
 * Context: process; may sleep.
 */
void mvs_proc_set_owner(struct mvs_device *device, struct pid *owner)
{
	mutex_lock(&devices_mutex);
	swap(device->owner, owner);
	mutex_unlock(&devices_mutex);
	put_pid(owner);
}

static const char *proc_state(const struct mvs_device *device)
{
	if (!device->owner)
		return "open";
	if (!READ_ONCE(device->running))
		return "stopped";
	return READ_ONCE(device->vqs[MVS_VQ_RX].running) &&
	       READ_ONCE(device->vqs[MVS_VQ_TX].running) ? "running" : "broken";
}

/* Print one word, whatever the process's name is: other characters are printed in octal. */
static void proc_show_comm(struct seq_file *m, struct pid *owner)
{
	char comm[TASK_COMM_LEN] = "";
	struct task_struct *task;

	rcu_read_lock();
	task = pid_task(owner, PIDTYPE_TGID);
	if (task)
		get_task_comm(comm, task);
	rcu_read_unlock();
	seq_puts(m, comm[0] ? "" : "-");
	seq_escape_str(m, comm, ESCAPE_OCTAL | ESCAPE_NAP | ESCAPE_APPEND,
		       " \\");
}

static void proc_show_name(struct seq_file *m, const char *prefix,
			   const char *name, u64 value)
{
	seq_printf(m, " %s%s", prefix, name);
}

static void proc_show_value(struct seq_file *m, const char *prefix,
			    const char *name, u64 value)
{
	seq_printf(m, " %llu", value);
}

/*
 * The check of ptrace_may_access(), which is not exported, with the credentials that the file was
 * opened with.
 */
static bool proc_may_trace(const struct seq_file *m,
			   const struct task_struct *task)
{
	const struct cred *reader = m->file->f_cred;
	const struct cred *cred = __task_cred(task);

	if (uid_eq(reader->fsuid, cred->euid) &&
	    uid_eq(reader->fsuid, cred->suid) &&
	    uid_eq(reader->fsuid, cred->uid) &&
	    gid_eq(reader->fsgid, cred->egid) &&
	    gid_eq(reader->fsgid, cred->sgid) &&
	    gid_eq(reader->fsgid, cred->gid))
		return true;
	return file_ns_capable(m->file, cred->user_ns, CAP_SYS_PTRACE);
}

/* The owner's PID as this procfs instance shows it; 0 if it is hidden, or not in its namespace. */
static pid_t proc_visible_pid(const struct seq_file *m, struct pid *owner)
{
	struct super_block *sb = file_inode(m->file)->i_sb;
	const struct proc_fs_info *info = proc_sb_info(sb);
	const struct task_struct *task;
	bool visible = false;

	rcu_read_lock();
	task = pid_task(owner, PIDTYPE_TGID);
	if (task)
		visible = info->hide_pid == HIDEPID_OFF ||
			  (info->hide_pid != HIDEPID_NOT_PTRACEABLE &&
			   in_group_p(info->pid_gid)) || proc_may_trace(m, task);
	rcu_read_unlock();
	return visible ? pid_nr_ns(owner, proc_pid_ns(sb)) : 0;
}

static void proc_show_device(struct seq_file *m,
			     const struct mvs_device *device)
{
	pid_t pid = proc_visible_pid(m, device->owner);

	if (!pid && !file_ns_capable(m->file, device->net->user_ns,
				     CAP_NET_ADMIN))
		return;
	seq_printf(m, "%u %d ", READ_ONCE(device->cid), pid);
	proc_show_comm(m, pid ? device->owner : NULL);
	seq_printf(m, " %s %#llx %llu", proc_state(device),
		   READ_ONCE(device->features), READ_ONCE(device->nconns));
	mvs_counters_show(m, device, proc_show_value);
	seq_putc(m, '\n');
}

static int proc_seq_show(struct seq_file *m, void *v)
{
	if (v == &devices) {
		seq_puts(m, "cid pid comm state features connections");
		mvs_counters_show(m, NULL, proc_show_name);
		seq_putc(m, '\n');
	} else {
		proc_show_device(m, list_entry(v, struct mvs_device, list));
	}
	return 0;
}

static void *proc_seq_start(struct seq_file *m, loff_t *pos)
{
	mutex_lock(&devices_mutex);
	return seq_list_start_head(&devices, *pos);
}

static void *proc_seq_next(struct seq_file *m, void *v, loff_t *pos)
{
	return seq_list_next(v, &devices, pos);
}

static void proc_seq_stop(struct seq_file *m, void *v)
{
	mutex_unlock(&devices_mutex);
}

static const struct seq_operations ops = {
	.start	= proc_seq_start,
	.next	= proc_seq_next,
	.stop	= proc_seq_stop,
	.show	= proc_seq_show,
};

/**
 * mvs_proc_register - create /proc/net/mvsock
 *
 * The module works even if this fails.
 */
void mvs_proc_register(void)
{
	entry = proc_create_seq("mvsock", 0444, init_net.proc_net, &ops);
}

/**
 * mvs_proc_unregister - undo mvs_proc_register()
 *
 * Later reads of a file that is still open fail with EIO.
 */
void mvs_proc_unregister(void)
{
	proc_remove(entry);
}
