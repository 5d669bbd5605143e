/// Many byte strings in one blob: a vocabulary of 262,144 tokens is two allocations, not as many strings.
struct ByteStrings: Sendable {
    /// All strings, one after another.
    private(set) var bytes: [UInt8] = []
    /// Where each string begins, and at last where the last one ends.
    private(set) var offsets: [UInt32] = [0]

    /// How many strings there are.
    var count: Int { offsets.count - 1 }

    init() {}

    init(_ strings: some Sequence<String>) {
        for string in strings { append(string.utf8) }
    }

    /// Makes room for strings that are still to come.
    mutating func reserve(count: Int, bytes byteCount: Int) {
        offsets.reserveCapacity(count + 1)
        bytes.reserveCapacity(byteCount)
    }

    /// Adds a string at the end.
    mutating func append(_ string: some Sequence<UInt8>) {
        bytes.append(contentsOf: string)
        finishString()
    }

    /// Adds bytes to the string that is being written.
    @inline(__always)
    mutating func write(_ byte: UInt8) {
        bytes.append(byte)
    }

    /// Ends the string that is being written.
    @inline(__always)
    mutating func finishString() {
        offsets.append(UInt32(truncatingIfNeeded: bytes.count))
    }

    /// Forgets all strings and keeps their memory.
    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        offsets.removeSubrange(1...)
    }

    /// Drops what has been written since the last string ended.
    mutating func discardUnfinished() {
        bytes.removeSubrange(Int(offsets[count])...)
    }

    /// Where a string lies in ``bytes``.
    @inline(__always)
    func range(of index: Int) -> Range<Int> {
        Int(offsets[index])..<Int(offsets[index + 1])
    }

    /// The bytes of one string.
    subscript(_ index: Int) -> ArraySlice<UInt8> {
        bytes[range(of: index)]
    }
}
