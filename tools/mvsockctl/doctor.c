// SPDX-License-Identifier: GPL-2.0
/*
 * mvsockctl doctor: checks a host, and reports what is wrong and what to do.
 */
#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "config.h"
#include "devices.h"
#include "mvsockctl.h"
#include "netlink.h"
#include "policy.h"

#define DEV_PATH "/dev/vhost-vsock"
/* As in <linux/miscdevice.h>. */
#define DEV_MAJOR 10
#define DEV_MINOR 241

static int wrongs;

#define say(verdict, ...) \
	(printf("%-6s ", verdict), printf(__VA_ARGS__), putchar('\n'))
#define fine(...) say("ok", __VA_ARGS__)
#define note(...) say("note", __VA_ARGS__)
#define advise(...) say("  do:", __VA_ARGS__)
#define wrong(...) (wrongs++, say("WRONG", __VA_ARGS__))

static bool loaded(const char *module)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return !access(path, F_OK);
}

/* The first line of a file; "" if there is none. */
static const char *line_of(const char *path, char *to, size_t size)
{
	FILE *f = fopen(path, "r");

	*to = 0;
	if (!f)
		return to;
	if (!fgets(to, size, f))
		*to = 0;
	to[strcspn(to, "\n")] = 0;
	fclose(f);
	return to;
}

/* --- modules -------------------------------------------------------------- */

static bool installed(const char *release)
{
	char pattern[256];
	glob_t found;
	bool is;

	snprintf(pattern, sizeof(pattern), "/lib/modules/%s/*/mvsock.ko*",
		 release);
	is = !glob(pattern, 0, NULL, &found);
	globfree(&found);
	snprintf(pattern, sizeof(pattern), "/lib/modules/%s/*/dkms/mvsock.ko*",
		 release);
	is = is || !glob(pattern, 0, NULL, &found);
	globfree(&found);
	return is;
}

static void check_installed(const char *release)
{
	char enforced[8];

	if (installed(release)) {
		advise("modprobe mvsock");
		line_of("/sys/module/module/parameters/sig_enforce", enforced,
			sizeof(enforced));
		if (*enforced == 'Y')
			note("the kernel loads signed modules only: enroll the key of DKMS");
	} else if (installed("*")) {
		advise("install linux-headers-%s, then: dkms autoinstall",
		       release);
	} else {
		advise("install mvsock-dkms, or in mvsock's source: make && sudo make load");
	}
}

static void check_version(void)
{
	char version[64];

	line_of("/sys/module/mvsock/version", version, sizeof(version));
	if (!strcmp(version, MVSOCK_VERSION)) {
		fine("the module and mvsockctl both have version %s", version);
		return;
	}
	if (!*version) {
		note("the module does not report its version");
		return;
	}
	wrong("the loaded module has version %s, mvsockctl has %s",
	      version, MVSOCK_VERSION);
	advise("stop the guests, then: modprobe -r mvsock; modprobe mvsock");
}

/* The last line that modprobe prints with these arguments; "" if there is none. */
static const char *modprobe_says(const char *arguments, char *to, size_t size)
{
	char command[128], line[256];
	FILE *f;

	*to = 0;
	snprintf(command, sizeof(command), "exec modprobe %s 2>/dev/null",
		 arguments);
	f = popen(command, "r");
	while (f && fgets(line, sizeof(line), f))
		snprintf(to, size, "%.*s", (int)strcspn(line, "\n"), line);
	if (f)
		pclose(f);
	return to;
}

#define BY_NAME_ADVICE \
	"install mvsock-dkms, or in mvsock's source: cp debian/mvsock.modprobe /etc/modprobe.d/mvsock.conf"

/* kata-runtime and LXD load vhost_vsock by its name before they look for the device. */
static void check_requests(void)
{
	char says[256];

	modprobe_says("--dry-run --verbose vhost_vsock", says, sizeof(says));
	if (strstr(says, "vhost_vsock.ko")) {
		wrong("programs that load vhost_vsock by name (Kata, LXD) fail");
		advise(BY_NAME_ADVICE);
	}
}

/* The device file may exist without a module, which is then loaded when it is opened. */
static void check_opener(void)
{
	char says[256];

	modprobe_says("--resolve-alias char-major-10-241", says, sizeof(says));
	if (!strcmp(says, "vhost_vsock")) {
		wrong("opening " DEV_PATH " loads vhost_vsock");
		advise(BY_NAME_ADVICE);
	} else if (*says) {
		note("opening " DEV_PATH " loads %s", says);
	}
}

static void check_transport(const char *release)
{
	if (loaded("mvsock")) {
		fine("mvsock is loaded, and serves the host's end of vsock");
		check_version();
		check_requests();
		return;
	}
	if (loaded("vhost_vsock")) {
		wrong("vhost_vsock is loaded instead of mvsock");
		advise("stop the guests that use it, then: modprobe -r vhost_vsock");
	} else {
		check_opener();
	}
	wrong("mvsock is not loaded");
	check_installed(release);
}

static void check_neighbours(void)
{
	if (loaded("vsock_loopback"))
		note("vsock_loopback is loaded: CID 1 is this host");
	/* systemd loads it on any host, by the alias of the address family. */
	if (loaded("vmw_vsock_vmci_transport") && !loaded("mvsock"))
		note("vmw_vsock_vmci_transport is loaded, which only VMware VMs need");
	if (loaded("vmw_vsock_virtio_transport"))
		note("this host is a guest itself: its guests can't use its CID");
}

/* --- the device file ------------------------------------------------------ */

static void check_access(const struct stat *st)
{
	struct group *group = getgrgid(st->st_gid);
	const char *name = group ? group->gr_name : "?";

	if ((st->st_mode & 0777) == 0660 && !strcmp(name, "kvm"))
		fine(DEV_PATH " has the group kvm and mode 0660");
	else
		note(DEV_PATH " has the group %s and mode %04o; udev's rule sets kvm and 0660",
		     name, st->st_mode & 0777);
	if (!access(DEV_PATH, R_OK | W_OK))
		return;
	wrong("you can't open " DEV_PATH ": %s", strerror(errno));
	advise("as root, run: usermod -aG %s USER; the user has to log in again",
	       name);
}

static void check_device(void)
{
	struct stat st;

	if (stat(DEV_PATH, &st)) {
		wrong(DEV_PATH ": %s", strerror(errno));
		advise("%s", loaded("mvsock") ?
		       "in a container, pass the device to it" :
		       "load the module, which creates it");
		return;
	}
	if (!S_ISCHR(st.st_mode) ||
	    st.st_rdev != makedev(DEV_MAJOR, DEV_MINOR)) {
		wrong(DEV_PATH " is not the character device %u:%u", DEV_MAJOR,
		      DEV_MINOR);
		advise("remove it, then: udevadm trigger --name-match=" DEV_PATH);
		return;
	}
	check_access(&st);
}

static void check_kvm(void)
{
	if (!access("/dev/kvm", F_OK))
		fine("there is a /dev/kvm");
	else
		note("there is no /dev/kvm: guests are emulated, and slow");
}

/* --- the kernel ----------------------------------------------------------- */

/* The running kernel's configuration; NULL if it is not available. */
static FILE *open_config(const char *release)
{
	char path[256], line[256];
	FILE *f, *copy;

	snprintf(path, sizeof(path), "/boot/config-%s", release);
	f = fopen(path, "r");
	if (f)
		return f;
	if (access("/proc/config.gz", R_OK))
		return NULL;
	copy = tmpfile();
	f = popen("exec zcat /proc/config.gz", "r");
	while (copy && f && fgets(line, sizeof(line), f))
		fputs(line, copy);
	if (f)
		pclose(f);
	return copy;
}

static void check_config(const char *release)
{
	static const char *const options[] = {
		"CONFIG_VSOCKETS", "CONFIG_MMU_NOTIFIER",
	};
	FILE *f = open_config(release);
	unsigned int i;

	if (!f) {
		note("no configuration of the kernel in /boot/config-%s or /proc/config.gz",
		     release);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		if (config_value(f, options[i]) != 'n') {
			fine("the kernel has %s", options[i]);
			continue;
		}
		wrong("the kernel has no %s, without which mvsock does not work",
		      options[i]);
		advise("boot a kernel that has it, as Debian's do");
	}
	fclose(f);
}

/* --- the guests ----------------------------------------------------------- */

static void check_guest(const struct devices *ds, const struct device *d)
{
	unsigned long long cid = device_number(ds, d, "cid");
	int i;

	if (!strcmp(device_text(ds, d, "state"), "broken")) {
		wrong("guest %llu: a ring is broken and was stopped", cid);
		advise("mvsockctl explain broken_rings");
	}
	for (i = 0; i < ds->columns; i++)
		if (!strncmp(ds->names.word[i], "rejected_", 9) &&
		    strcmp(d->word[i], "0"))
			note("guest %llu: %s %s; mvsockctl explain %s", cid,
			     ds->names.word[i], d->word[i], ds->names.word[i]);
}

static void check_guests(void)
{
	struct devices ds;
	int i;

	if (!loaded("mvsock"))
		return;
	if (devices_load(&ds)) {
		wrong("the devices can't be listed");
		advise("in a container, run this outside of it");
		return;
	}
	for (i = 0; i < ds.count; i++)
		check_guest(&ds, &ds.device[i]);
	fine("devices: %d", ds.count);
	devices_free(&ds);
}

/* --- rules ---------------------------------------------------------------- */

static void count_rule(const struct rule *rule, void *arg)
{
	(void)rule;
	++*(int *)arg;
}

/* A file with a mistake leaves the host without rules. Others than root can't list them. */
static void check_rules(void)
{
	int set = 0, wanted;

	if (!loaded("mvsock") || geteuid() || rules_load(count_rule, &set))
		return;
	wanted = rules_in_files();
	if (wanted < 0) {
		wrong("%d rules are set, and a file of " RULE_FILES " has the mistake above",
		      set);
		advise("correct the file, and run mvsockctl policy set");
	} else if (set && !wanted) {
		note("rules: %d, none of which is in " RULE_FILES ": lost when mvsock is unloaded",
		     set);
	} else if (set != wanted) {
		wrong("%d rules are set, but " RULE_FILES " has %d", set, wanted);
		advise("mvsockctl policy set");
	} else if (set) {
		fine("rules: %d", set);
	}
}

int cmd_doctor(int argc, char **argv)
{
	struct utsname kernel;

	if (argc)
		return usage_error("doctor takes no argument", argv[0]);
	uname(&kernel);
	check_transport(kernel.release);
	check_neighbours();
	check_device();
	check_kvm();
	check_config(kernel.release);
	check_guests();
	check_rules();
	printf(wrongs ? "%d wrong\n" : "nothing is wrong\n", wrongs);
	return wrongs ? EXIT_WRONG : EXIT_FINE;
}
