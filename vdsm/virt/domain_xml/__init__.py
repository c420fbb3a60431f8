"""libvirt's domain XML: read it, prepare it before a domain is defined, keep the agent's metadata in it."""
