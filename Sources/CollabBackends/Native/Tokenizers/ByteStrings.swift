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

    /// Copies strings that lie in memory with something between them.
    ///
    /// - Parameters:
    ///   - byteCount: how many bytes they have together.
    ///   - forEach: lends every string in turn.
    init(
        count: Int,
        byteCount: Int,
        forEach: ((UnsafeRawBufferPointer) -> Void) -> Void
    ) {
        var offsets: [UInt32] = [0]
        offsets.reserveCapacity(count + 1)
        bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initialised in
            let target = UnsafeMutableRawBufferPointer(buffer)
            forEach { string in
                guard string.count <= target.count - initialised else { return }
                if let start = string.baseAddress, let to = target.baseAddress {
                    (to + initialised).copyMemory(from: start, byteCount: string.count)
                }
                initialised += string.count
                offsets.append(UInt32(truncatingIfNeeded: initialised))
            }
        }
        self.offsets = offsets
    }

    /// Adds a string at the end.
    mutating func append(_ string: some Sequence<UInt8>) {
        bytes.append(contentsOf: string)
        offsets.append(UInt32(truncatingIfNeeded: bytes.count))
    }

    /// Rewrites every string.
    ///
    /// - Parameter body: writes what becomes of a string and returns its length, which is at most the old one.
    func rewritten(
        _ body: (Int, UnsafeBufferPointer<UInt8>, UnsafeMutablePointer<UInt8>) -> Int
    ) -> ByteStrings {
        var result = ByteStrings()
        result.offsets.reserveCapacity(offsets.count)
        result.bytes = [UInt8](unsafeUninitializedCapacity: bytes.count) { buffer, initialised in
            bytes.withUnsafeBufferPointer { old in
                guard let start = buffer.baseAddress, let oldStart = old.baseAddress else {
                    for _ in 0..<count { result.offsets.append(0) }
                    return
                }
                for index in 0..<count {
                    let range = range(of: index)
                    let string = UnsafeBufferPointer(start: oldStart + range.lowerBound, count: range.count)
                    initialised += body(index, string, start + initialised)
                    result.offsets.append(UInt32(truncatingIfNeeded: initialised))
                }
            }
        }
        return result
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
