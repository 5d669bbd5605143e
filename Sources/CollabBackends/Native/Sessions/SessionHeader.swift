import Collab
import CollabKernels

/// The beginning of a session's file: everything but its tokens, keys and values.
///
/// Numbers are little-endian. After the header come the tokens, 4 bytes each; by layer group how many of its first
/// pages have been given back, 4 bytes; the blocks of the other pages, group by group; and the SHA-256 of all that.
struct SessionHeader: Equatable {
    static let magic = Array("COLLABKV".utf8)
    static let version: UInt32 = 2
    static let byteCount = 112
    static let checksumBytes = 32

    /// The hash of the model, and of the adapters in force; zeros for none.
    var model: [UInt8]
    var adapters: [UInt8]
    /// How many tokens there are, and how many of them have keys and values.
    var tokens: Int
    var computed: Int
    var groups: Int
    /// How keys and values are kept.
    var format: KeyValueFormat
    /// The bytes of a page of one layer.
    var pageBytes: Int

    /// How many pages a group has, those that have been given back included.
    var pages: Int { (computed + AttentionShape.pagePositions - 1) / AttentionShape.pagePositions }

    /// The bytes of the header.
    var bytes: [UInt8] {
        func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
            withUnsafeBytes(of: value.littleEndian) { Array($0) }
        }
        var bytes = Self.magic + little(Self.version) + little(UInt32(groups)) + model + adapters
        bytes += little(UInt64(tokens)) + little(UInt64(computed))
        bytes +=
            little(UInt32(AttentionShape.pagePositions)) + little(format.code) + little(UInt64(pageBytes))
        return bytes
    }
}

extension SessionHeader {
    /// Reads the header of a file.
    ///
    /// Throws ``Collab/CollabError`` with `malformedFile` or `unsupported`.
    init(_ file: MappedFile) throws(CollabError) {
        let bytes = file.bytes
        guard bytes.starts(with: Self.magic) else {
            throw CollabError(.malformedFile, "\(file.path) is not a saved session.")
        }
        guard bytes.count >= Self.byteCount + Self.checksumBytes else {
            throw CollabError(.malformedFile, "\(file.path) ends within the header of a session.")
        }
        func number<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
            Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
        }
        let version = number(UInt32.self, at: 8)
        guard version == Self.version else {
            throw CollabError(
                .unsupported,
                "\(file.path) is a session of version \(version); this library reads \(Self.version)."
            )
        }
        guard number(UInt32.self, at: 96) == AttentionShape.pagePositions else {
            throw CollabError(.unsupported, "\(file.path) keeps keys and values in pages of another length.")
        }
        let code = number(UInt32.self, at: 100)
        guard let format = KeyValueFormat.allCases.first(where: { $0.code == code }) else {
            throw CollabError(
                .unsupported,
                "\(file.path) keeps keys and values in an unknown format, \(code)."
            )
        }
        self.format = format
        func size(at offset: Int) throws(CollabError) -> Int {
            guard let size = Int32(exactly: number(UInt64.self, at: offset)) else {
                throw CollabError(.malformedFile, "\(file.path): the number at byte \(offset) is too large.")
            }
            return Int(size)
        }
        model = Array(bytes[16..<48])
        adapters = Array(bytes[48..<80])
        tokens = try size(at: 80)
        computed = try size(at: 88)
        groups = Int(number(UInt32.self, at: 12))
        pageBytes = try size(at: 104)
        guard computed <= tokens else {
            throw CollabError(
                .malformedFile,
                "\(file.path) has keys and values of \(computed) tokens, but \(tokens) tokens."
            )
        }
    }
}

extension KeyValueFormat {
    /// What stands for the format in a session's file.
    fileprivate var code: UInt32 {
        switch self {
        case .float32: 1
        case .float16: 2
        case .int8: 3
        }
    }
}
