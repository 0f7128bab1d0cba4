# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the scripts in tools/ share: messages, the cache, clean-up, modules.
# Sourced, never run.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # for scripts that source this file
BUILD=$TOP/build
# The host's Linux. Debian 12 has 6.12.
KERNEL=${KERNEL:-6.12}
[[ $KERNEL == 6.12 ]] || BUILD=$BUILD/$KERNEL
CACHE=${MVSOCK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mvsock}

# modinfo, insmod and busybox are in sbin on some systems.
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C
# `make -j8 KDIR=... check` must not reach the kernel's own makefiles, which
# are called with a KDIR of their own.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES KDIR ARCH CROSS_COMPILE M W C O
# No core file from a kernel that crashes.
ulimit -c 0

say() { printf '%s\n' "$*"; }

warn() { printf '%s\n' "$*" >&2; }

# die WHAT [WHAT TO DO NEXT]
die()
{
	warn "$(basename "$0"): $1"
	[[ -z ${2:-} ]] || warn "  $2"
	exit 1
}

# as_root COMMAND...
as_root()
{
	if ((EUID == 0)); then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this needs root, and there is no sudo" "as root, run: $*"
	fi
}

# --- clean-up -----------------------------------------------------------------

CLEAN_GROUPS=() # process groups to end
CLEAN_PATHS=()  # temporary files and folders to remove

clean_up()
{
	local status=$? group

	trap - EXIT
	for group in "${CLEAN_GROUPS[@]}"; do
		kill -TERM -- "-$group" 2>/dev/null || continue
		sleep 0.2
		kill -KILL -- "-$group" 2>/dev/null || true
	done
	((${#CLEAN_PATHS[@]} == 0)) || rm -rf -- "${CLEAN_PATHS[@]}"
	exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# spawn COMMAND...: starts it (a function as well) in a process group of its own,
# which ends with this script; its process id, the group's too, is in SPAWNED.
spawn()
{
	set -m
	"$@" &
	set +m
	SPAWNED=$!
	CLEAN_GROUPS+=("$SPAWNED")
}

# reap PID: waits for what spawn started, and returns its status.
reap()
{
	local pid=$1 status=0 group left=()

	# 2>: bash would print how it ended, which is reported elsewhere.
	wait "$pid" 2>/dev/null || status=$?
	kill -KILL -- "-$pid" 2>/dev/null || true
	for group in "${CLEAN_GROUPS[@]}"; do
		[[ $group == "$pid" ]] || left+=("$group")
	done
	CLEAN_GROUPS=("${left[@]}")
	return "$status"
}

# lock FILE WHAT: holds a lock until this script ends; WHAT describes the other holder.
lock()
{
	local fd

	mkdir -p "$(dirname "$1")"
	exec {fd}>"$1"
	flock --nonblock "$fd" && return
	say "Waiting for another process that $2."
	flock "$fd"
}

# --- long commands ------------------------------------------------------------

# progress LOG SECONDS: prints the progress of a build, on one line that is rewritten on a
# terminal, and on a new line every 30 seconds elsewhere.
progress()
{
	local text

	text="  $(grep -cE '^ +(CC|LD|AS|AR) ' "$1") files, $2 s"
	if [[ -t 1 ]]; then
		printf '\r%s ' "$text"
	elif (($2 / 30 > PROGRESS)); then
		PROGRESS=$(($2 / 30))
		say "$text"
	fi
}

# quietly LOG COMMAND...: runs it with its output in LOG, and prints progress; on
# failure it prints the end of LOG.
quietly()
{
	local log=$1 status=0 start=$SECONDS pid PROGRESS=0

	shift
	mkdir -p "$(dirname "$log")"
	: >"$log"
	spawn "$@" >"$log" 2>&1 </dev/null
	pid=$SPAWNED
	while kill -0 "$pid" 2>/dev/null; do
		progress "$log" $((SECONDS - start))
		sleep 1 || true
	done
	reap "$pid" || status=$?
	[[ ! -t 1 ]] || printf '\r\033[K'
	((status == 0)) && return
	grep -nE '(error|Error|undefined|No space)' "$log" | tail -n 10 >&2 || true
	tail -n 5 "$log" >&2
	warn "  full log: $log"
	return "$status"
}

# --- the cache ----------------------------------------------------------------
#
# $CACHE/version-KERNEL       "VERSION ABI" of the kernel packages in use
# $CACHE/linux-VERSION/
#     source/ image/ headers/ unpacked packages; the source with tools/rig/uml-KERNEL.patch
#     prepared/               the source, configured as Debian's, in place of headers/
#     vmlinux                 the cloud kernel, unpacked
#     vsock/                  the kernel's own tests, static, and the names of their cases
#     uml-HASH/               UML kernels, one a config; finished with .complete
#     x86-HASH/               x86-64 kernels, likewise
#     arm64-HASH/ s390-HASH/  configured kernels, to build modules against
#     machine-NAME-HASH/      kernels of other architectures, likewise finished with .complete
#     user-NAME/              for their programs: busybox, the kernel's headers
# $CACHE/registers            tools/rig/registers.c
# $CACHE/promtool/            Prometheus' promtool, unpacked, if the machine has none
# $CACHE/qemu/                a later QEMU, unpacked, if the machine's own is old
#
# Folders appear under their names only when they are complete; a kernel, which
# can resume where it was interrupted, has a stamp instead.

# use_cache: sets VERSION, ABI, LINUX. Fails if setup.sh has not run yet.
use_cache()
{
	[[ -r $CACHE/version-$KERNEL ]] || return 1
	# shellcheck disable=SC2034 # for scripts that source this file
	read -r VERSION ABI <"$CACHE/version-$KERNEL"
	LINUX=$CACHE/linux-$VERSION
}

# uml_fragments KIND: plain, debug, or, from Linux 7.3 on, smp.
uml_fragments()
{
	echo "$TOP/tools/rig/uml.config"
	[[ $1 == plain ]] || echo "$TOP/tools/rig/uml-$1.config"
	[[ $KERNEL == 6.12 ]] || echo "$TOP/tools/rig/uml-$KERNEL.config"
}

# uml_patch: the patch for the kernel's source, if it needs one.
uml_patch() { echo "$TOP/tools/rig/uml-$KERNEL.patch"; }

# uml_config KIND: the options, without comments: they are the cache key of the kernel, together
# with the patch and with the compiler, which must be the same for modules. If the size of a
# program's floating-point state is an option, it is set to this processor's.
uml_config()
{
	local files

	mapfile -t files < <(uml_fragments "$1")
	sed -n '/^CONFIG_/p' "${files[@]}" | sort -u
	[[ ! -e $(uml_patch) ]] || echo "CONFIG_HOST_FP_SIZE=$("$CACHE/registers" size)"
}

# uml_dir KIND: the folder where that kernel is built.
uml_dir()
{
	echo "$LINUX/uml-$1-$({ uml_config "$1"; cat "$(uml_patch)" 2>/dev/null; } | config_hash)"
}

# config_hash: the hash of the options on standard input, and of the compiler.
config_hash() { { cat; gcc -dumpfullversion; } | sha256sum | cut -c 1-12; }

# x86_config kcsan|kasan
x86_config()
{
	sed -n '/^CONFIG_/p' "$TOP/tools/rig/x86.config" "$TOP/tools/rig/x86-$1.config" | sort -u
}

# x86_dir kcsan|kasan: the folder where that kernel is built.
x86_dir()
{
	echo "$LINUX/x86-$1-$(x86_config "$1" | config_hash)"
}

# shellcheck disable=SC2034 # for scripts that source this file
ARCHES=(arm64 s390)

# arch_compiler ARCH: the prefix of its cross compiler.
arch_compiler()
{
	case $1 in
	arm64) echo aarch64-linux-gnu- ;;
	s390) echo s390x-linux-gnu- ;;
	esac
}

arch_config() { sed -n '/^CONFIG_/p' "$TOP/tools/rig/arch.config"; }

# arch_dir ARCH: the folder where that kernel is configured, to build the module against.
arch_dir()
{
	echo "$LINUX/$1-$({ arch_config; "$(arch_compiler "$1")gcc" -dumpfullversion; } | config_hash)"
}

# Machines of other architectures, in QEMU, by Debian's names.
# shellcheck disable=SC2034 # for scripts that source this file
MACHINES=(arm64)

# machine_config MACHINE
machine_config()
{
	sed -n '/^CONFIG_/p' "$TOP/tools/rig/machine.config" "$TOP/tools/rig/machine-$1.config" | sort -u
}

# machine_dir MACHINE: the folder where that kernel is built.
machine_dir()
{
	echo "$LINUX/machine-$1-$({ machine_config "$1"; "$(arch_compiler "$1")gcc" -dumpfullversion; } | config_hash)"
}

# machine_user MACHINE: the folder with busybox and the kernel's headers for its programs.
machine_user() { echo "$LINUX/user-$1"; }

# headers_dir: KDIR for Debian's cloud kernel.
headers_dir()
{
	case $KERNEL in
	6.12) echo "$LINUX/headers/usr/src/linux-headers-$ABI" ;;
	*) echo "$LINUX/prepared" ;;
	esac
}

# --- modules ------------------------------------------------------------------

# modules_for FOLDER MODULE...: the module files to insert, in order: every
# MODULE (a file, or a name to find in FOLDER) after its dependencies, which
# are found in FOLDER.
modules_for()
{
	local dir=$1 module
	local -A seen=() found=()

	shift
	while read -r module; do
		found[$(module_name "$module")]=$module
	done < <(find "$dir" -name '*.ko' -o -name '*.ko.xz')
	for module; do
		modules_walk "$module"
	done
}

module_name()
{
	local name=${1##*/}

	name=${name%.xz}
	name=${name%.ko}
	echo "${name//-/_}"
}

# modules_walk MODULE: the recursion of modules_for, on its tables.
modules_walk()
{
	local file=$1 name deps dep

	name=$(module_name "$file")
	[[ -z ${seen[$name]:-} ]] || return 0
	seen[$name]=1
	[[ $file == */* ]] || file=${found[$name]:-}
	[[ -n $file ]] || die "there is no module '$name' in $dir"
	deps=$(modinfo -F depends "$file")
	for dep in ${deps//,/ }; do
		modules_walk "$dep"
	done
	echo "$file"
}

# build_module FOLDER KDIR [MAKE ARGUMENT...]: builds the module in a copy of the
# sources, so that the objects for each kernel, and those of `make` in the project, are
# separate.
build_module()
{
	local dir=$1 kdir=$2

	shift 2
	copy_module_source "$dir" || return
	make -j"$(nproc)" -C "$dir" KDIR="$kdir" "$@" modules
}

copy_module_source()
{
	mkdir -p "$1"
	rsync -a --delete --exclude='*.o' --exclude='*.ko' --exclude='*.mod' \
		--exclude='*.mod.c' --exclude='.*.cmd' --exclude='.*.d' \
		--exclude=Module.symvers --exclude=modules.order \
		--exclude='.module-common.o' --exclude='.tmp*' \
		"$TOP"/{VERSION,Makefile,Kbuild,drivers,include,kunit} "$1/"
}

# copy_sources FOLDER: copies the whole project, without build results.
copy_sources()
{
	mkdir -p "$1"
	rsync -a --exclude=.git --filter=':- .gitignore' "$TOP/" "$1/"
}
