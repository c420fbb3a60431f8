"""libvirt's two documents, cut down from those of a Debian 12 host with KVM."""

from __future__ import annotations

CAPABILITIES = """
<capabilities>
  <host>
    <cpu><arch>x86_64</arch><counter name='tsc' frequency='2596138000' scaling='yes'/></cpu>
  </host>
  <guest>
    <os_type>hvm</os_type>
    <arch name='i686'>
      <machine>i686-only</machine><domain type='kvm'/>
    </arch>
  </guest>
  <guest>
    <os_type>hvm</os_type>
    <arch name='x86_64'>
      <machine maxCpus='255'>pc-i440fx-7.2</machine>
      <machine canonical='pc-i440fx-7.2' maxCpus='255'>pc</machine>
      <machine canonical='pc-q35-7.2' maxCpus='288'>q35</machine>
      <domain type='qemu'/>
      <domain type='kvm'><machine>pc-kvm-only</machine></domain>
    </arch>
  </guest>
</capabilities>
"""
WITHOUT_KVM = CAPABILITIES.replace("<domain type='kvm'><machine>pc-kvm-only</machine></domain>", "")
DOMAIN_CAPABILITIES = """
<domainCapabilities>
  <cpu>
    <mode name='host-model' supported='yes'>
      <model fallback='forbid'>EPYC</model>
      <feature policy='require' name='x2apic'/>
      <feature policy='disable' name='svm'/>
    </mode>
    <mode name='custom' supported='yes'>
      <model usable='yes' vendor='AMD'>EPYC</model>
      <model usable='no' vendor='Intel'>Westmere</model>
      <model usable='yes' vendor='AMD'>EPYC-IBRS</model>
    </mode>
  </cpu>
</domainCapabilities>
"""
