"""libvirt, behind the `Hypervisor` protocol of `hypervisor.py`: the only package that imports libvirt."""
