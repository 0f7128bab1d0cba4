// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "failing.h"
#include "tap.h"

#define FAULTS "/sys/kernel/debug"

void failing_set(const char *attr, const char *name, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), FAULTS "/%s/%s", attr, name);
	fd = open(path, O_WRONLY);
	if (fd < 0 && errno == ENOENT)
		tap_skip("the kernel has no %s", path);
	require(fd >= 0 && write(fd, value, strlen(value)) > 0, "%s: %s", path,
		strerror(errno));
	close(fd);
}

void failing_thread(pid_t thread, bool fails)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/make-it-fail", thread);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	require(fd >= 0 && write(fd, fails ? "1" : "0", 1) == 1, "%s: %s", path,
		strerror(errno));
	close(fd);
}

/* The device's worker is named after the thread that created it. */
pid_t failing_worker(void)
{
	DIR *dir = opendir("/proc/self/task");
	pid_t worker = 0;
	struct dirent *d;

	require(dir, "/proc/self/task");
	while ((d = readdir(dir))) {
		char path[64], name[16] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%.10s/comm",
			 d->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(name, sizeof(name), f) && !strncmp(name, "vhost-", 6))
			worker = atoi(d->d_name);
		fclose(f);
	}
	closedir(dir);
	require(worker, "the device has no worker");
	return worker;
}
