// SPDX-License-Identifier: GPL-2.0
/* Tests of a vhost-vsock device file, from the view of a guest's driver and a VMM. */
#include <getopt.h>
#include <stdio.h>

#include "device_test.h"
#include "session.h"

static const char help[] =
	"usage: device_test [--dev PATH] [--upstream] [--list] [WORD...]\n"
	"  --dev PATH   device file (" DEV_PATH ")\n"
	"  --upstream   skip what only mvsock does\n"
	"  --list       list the tests\n"
	"  WORD...      run only tests whose name has one of these\n"
	"With a folder on a disk in $MVSOCK_TEST_DISK, guest memory is tried there too.\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dev", required_argument, NULL, 'd' },
		{ "upstream", no_argument, NULL, 'u' },
		{ "list", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	struct tap_options opt = {
		.skip_why = "only mvsock does this",
		.timeout = 4 * TAP_TIMEOUT,	/* emulated processors are slow */
	};
	int c;

	while ((c = getopt_long(argc, argv, "d:ulh", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			test_options.path = optarg;
			break;
		case 'u':
			test_options.upstream = true;
			opt.skip |= TAP_MVSOCK;
			break;
		case 'l':
			opt.list = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			fputs(help, stderr);
			return 2;
		}
	}
	if (!opt.list && !session_begin())
		return 1;
	opt.match = argv + optind;
	opt.nmatch = argc - optind;

	add_ioctl_tests();
	add_traffic_tests();
	add_layout_tests();
	add_chain_tests();
	add_broken_tests();
	add_life_tests();
	add_memory_tests();
	add_moving_tests();
	add_zerocopy_tests();
	add_ring_tests();
	add_packed_tests();
	add_race_tests();
	add_packet_tests();
	add_abuse_tests();
	add_type_tests();
	add_order_tests();
	add_batch_tests();
	add_notify_tests();
	add_busyloop_tests();
	add_vmm_tests();
	add_iommu_tests();
	add_iotlb_tests();
	add_log_tests();
	add_data_tests();
	add_stall_tests();
	add_cut_tests();
	add_direct_tests();
	add_answers_tests();
	add_endless_tests();
	add_regression_tests();
	add_counter_tests();
	add_connections_tests();
	add_siblings_tests();
	add_policy_tests();
	add_attack_tests();
	add_netns_tests();
	add_cgroup_tests();
	add_worker_tests();
	add_flood_tests();
	add_lost_tests();
	add_capture_tests();
	add_held_tests();
	add_absent_tests();
	add_unmappable_tests();
	add_connect_tests();
	add_grow_tests();
	return tap_run(&opt);
}
