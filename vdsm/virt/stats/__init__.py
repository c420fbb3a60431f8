"""From libvirt's bulk statistics and what guests say to the statistics that managers read."""
