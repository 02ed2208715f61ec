#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes /run/bootagent/unchanged where the agent would read what it read on an earlier boot: then it is not started.
# bootagent/inputs.py writes the record that is compared here, and says what is in it.
#
# usage: unchanged.sh [ROOT]
root=${1:-}
record=$root/var/lib/bootagent/inputs
LC_ALL=C PATH=/usr/bin:/bin

# Each NIC as "address@place": the names that they have this early are not always their last.
read_nics() {
	nics=" "
	for device in "$root"/sys/class/net/*/device; do
		read -r kind <"${device%/device}/type" || continue
		read -r address <"${device%/device}/address" || continue
		case $kind in 1 | 32) cd -P "$device" && nics="$nics$address@${PWD#"$root"} " ;; esac
	done 2>/dev/null
	cd /
}

same_nics() {
	[ "${#nics}" = "${#known}" ] || return 1
	for nic in $nics; do
		case $known in *" $nic "*) ;; *) return 1 ;; esac
	done
}

# All else that counts, the drive's first bytes last.  One process reads them all: this is why no file counts beyond
# what counts of the drive.
print_inputs() {
	set --
	for disk in "$root"/sys/class/block/*; do
		case ${disk##*/} in
		loop* | ram* | zram* | dm-* | md* | fd*) ;;
		*) set -- "$@" "$disk/size" "$disk/serial" ;;
		esac
	done
	for unit in "$root"/etc/systemd/system/*.wants/*; do
		[ -e "$unit" ] || printf 'gone: %s\n' "$unit"
	done
	printf '%s\n' "$root"/etc/systemd/system/* "$root"/etc/systemd/system/*.wants/* \
		"$root"/lib/systemd/system-generators/* "$root"/etc/init.d/* "$root"/etc/runlevels/*/* "$root"/etc/rc3.d/* "$@"
	exec head -q -c "$bytes" "$@" "$root/proc/cmdline" "$root/sys/class/dmi/id/product_uuid" ${id:+"$id"} \
		"$root/etc/os-release" "$root/etc/bootagent.yaml" "$root/usr/lib/bootagent/bootagent/__init__.py" \
		"$root/var/lib/bootagent/manifest.json" "$root$drive" 2>/dev/null
}

is_unchanged() {
	drive='' known='' digest='' id=$root/etc/machine-id
	while read -r key value; do
		case $key in
		nics) known=" $value " ;;
		drive) bytes=${value%% *} drive=${value#* } ;;
		digest) digest=$value ;;
		fresh) id='' ;;
		file) [ -e "$root$value" ] || return 1 ;;
		esac
	done <"$record"
	read_nics
	[ "$drive" ] && same_nics && [ "$(print_inputs | sha256sum)" = "$digest  -" ]
}

# Neither the record nor the status is flushed: a power cut may have left one of them empty, or full of zeros.
has_status() {
	{ read -r first <"$root/var/lib/bootagent/status.json"; } 2>/dev/null && [ "$first" = "{" ]
}

if [ -r "$record" ] && has_status && is_unchanged; then
	: >"$root/run/bootagent/unchanged"
	echo "bootagent: unchanged since an earlier boot"
fi
