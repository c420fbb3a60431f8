"""Random VM metadata: every value that XML can carry."""

from __future__ import annotations

from hypothesis import strategies as st

from vdsm.virt.domain_xml.metadata import DeviceMetadata, VmMetadata

_CONTAINERS = {
    "address", "auth", "change", "custom", "device", "diskReplicate", "specParams", "vm_custom",
    "hosts", "portMirroring", "volumeChain", "payload", "volumeInfo", "hostInfo",
}  # fmt: skip
texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=20
) | st.just(" <&>\t\r\n\"' ")
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,12}", fullmatch=True).filter(lambda name: name not in _CONTAINERS)
values = st.one_of(
    texts, st.booleans(), st.integers(-(10**30), 10**30), st.floats(allow_nan=False, allow_infinity=False)
)
maps = st.dictionaries(names, values, max_size=3)
trees = st.one_of(
    st.tuples(names, values),
    st.tuples(st.sampled_from(["address", "auth", "change", "vm_custom", "diskReplicate"]), maps),
    st.tuples(st.just("specParams"), st.fixed_dictionaries({"custom": maps, "address": maps})),
    st.tuples(st.just("volumeChain"), st.lists(maps, max_size=3)),
    st.tuples(st.just("hosts"), st.lists(st.dictionaries(names, texts, max_size=3), max_size=2)),
    st.tuples(st.just("portMirroring"), st.lists(texts, max_size=3)),
    st.tuples(
        st.just("payload"), st.fixed_dictionaries({"volId": texts, "file": st.dictionaries(texts, texts, max_size=2)})
    ),
)
extras = st.sampled_from(
    ['<x:a xmlns:x="urn:x" b="1"><x:c>t</x:c></x:a>', '<odd type="int">word</odd>', "<deep><er>1</er></deep>"]
)
devices = st.builds(
    DeviceMetadata,
    st.dictionaries(names, texts, max_size=2),
    st.lists(trees, max_size=4).map(dict),
    st.lists(extras, max_size=2).map(tuple),
)
metadata = st.builds(
    VmMetadata,
    maps,
    st.dictionaries(names, texts, max_size=3),
    st.lists(devices, max_size=3).map(tuple),
    st.lists(extras, max_size=2).map(tuple),
)
