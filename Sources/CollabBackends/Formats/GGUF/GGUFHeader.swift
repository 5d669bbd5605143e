import Collab

/// The first 24 bytes: magic, version, how many tensors and keys follow.
struct GGUFHeader {
    var version: Int
    var tensorCount: Int
    var keyCount: Int

    /// More keys or tensors than this are refused, so that no file makes us build tables much larger than itself.
    static let mostEntries = 1 << 17

    init(_ cursor: inout GGUFCursor) throws(CollabError) {
        let magic = try cursor.read(UInt32.self, "the magic number")
        guard magic == 0x4655_4747 else { throw cursor.error("a GGUF file begins with “GGUF”", at: 0) }
        let version = try cursor.read(UInt32.self, "the version")
        if version != 0, version & 0xFFFF == 0 {
            throw cursor.error("the file is written in big-endian byte order, which is not read here", at: 4)
        }
        guard version == 2 || version == 3 else {
            throw cursor.error("version \(version) is not read here; versions 2 and 3 are", at: 4)
        }
        self.version = Int(version)
        let tensorCount = try cursor.read(UInt64.self, "the number of tensors")
        let keyCount = try cursor.read(UInt64.self, "the number of keys")
        // A key takes at least 13 bytes, a tensor's entry 24.
        self.keyCount = try Self.check(keyCount, "keys", atLeast: 13, cursor, at: 16)
        self.tensorCount = try Self.check(tensorCount, "tensors", atLeast: 24, cursor, at: 8)
    }

    private static func check(
        _ count: UInt64,
        _ what: String,
        atLeast size: Int,
        _ cursor: GGUFCursor,
        at offset: Int
    ) throws(CollabError) -> Int {
        guard count <= UInt64(cursor.left / size) else {
            throw cursor.error(
                "\(count) \(what) are promised where \(cursor.left) bytes are left",
                at: offset
            )
        }
        guard count <= UInt64(mostEntries) else {
            throw cursor.error("\(count) \(what) are more than the \(mostEntries) that are read", at: offset)
        }
        return Int(count)
    }
}
