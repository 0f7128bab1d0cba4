/* SPDX-License-Identifier: GPL-2.0 */
/* Each group of tests adds its tests to the list. */
#ifndef MVS_RING_DEVICE_TEST_H
#define MVS_RING_DEVICE_TEST_H

void add_traffic_tests(void);
void add_layout_tests(void);
void add_chain_tests(void);
void add_broken_tests(void);
void add_ioctl_tests(void);
void add_life_tests(void);
void add_memory_tests(void);
void add_moving_tests(void);
void add_zerocopy_tests(void);
void add_ring_tests(void);
void add_packed_tests(void);
void add_race_tests(void);
void add_packet_tests(void);
void add_abuse_tests(void);
void add_type_tests(void);
void add_order_tests(void);
void add_batch_tests(void);
void add_notify_tests(void);
void add_busyloop_tests(void);
void add_vmm_tests(void);
void add_iommu_tests(void);
void add_iotlb_tests(void);
void add_log_tests(void);
void add_data_tests(void);
void add_stall_tests(void);
void add_cut_tests(void);
void add_direct_tests(void);
void add_answers_tests(void);
void add_endless_tests(void);
void add_regression_tests(void);
void add_counter_tests(void);
void add_connections_tests(void);
void add_siblings_tests(void);
void add_policy_tests(void);
void add_attack_tests(void);
void add_netns_tests(void);
void add_cgroup_tests(void);
void add_worker_tests(void);
void add_flood_tests(void);
void add_lost_tests(void);
void add_capture_tests(void);
void add_held_tests(void);
void add_absent_tests(void);
void add_unmappable_tests(void);
void add_connect_tests(void);
void add_grow_tests(void);

#endif
