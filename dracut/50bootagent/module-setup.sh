#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154  # dracut sets moddir, initdir, systemdsystemunitdir and SYSTEMCTL
# dracut module: has the real root's own bootagent do its work before that root is switched to.
# dracut --add bootagent; dracut.modules(7)

# Only where it is asked for.
check() {
    return 255
}

depends() {
    echo systemd-initrd
}

# What the agent has to see: the drives that clouds attach, on any bus, and the NICs of virtual machines, to know them
# by their address.  Whatever the host that builds this has; no program of dracut's network modules, and no file system.
installkernel() {
    hostonly='' instmods \
        ahci ata_generic ata_piix cdrom hv_storvsc sd_mod sr_mod usb-storage virtio_blk virtio_pci virtio_scsi \
        vmw_pvscsi xen-blkfront \
        8139cp e1000 e1000e hv_netvsc virtio_net vmxnet3 xen-netfront
    # And the NICs of that host, where this is for no other.
    [[ $hostonly ]] && instmods '=drivers/net/ethernet'
    return 0
}

install() {
    local unit
    inst_multiple mount
    for unit in bootagent-initrd.service bootagent-initrd-unchanged.service bootagent-initrd-writable.service; do
        inst_simple "$moddir/$unit" "$systemdsystemunitdir/$unit"
    done
    # The other two are wanted by this one.
    $SYSTEMCTL -q --root "$initdir" add-wants initrd.target bootagent-initrd.service
}
