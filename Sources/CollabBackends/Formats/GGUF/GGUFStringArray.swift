/// Texts in the metadata of a GGUF file, such as the tokens of a vocabulary: a view of the mapped bytes.
///
/// The only memory of its own is a table of where each text begins. The bytes need not be valid UTF-8.
public struct GGUFStringArray: Sendable, RandomAccessCollection {
    /// The file that the texts are in; ``offsets`` count from its first byte.
    public let file: MappedFile
    /// Where the bytes of each text begin; one entry more than there are texts.
    ///
    /// Text `i` is `offsets[i] ..< offsets[i + 1] - 8`: before each text lie the eight bytes of its length.
    public let offsets: [Int]

    init(file: MappedFile, offsets: [Int]) {
        self.file = file
        self.offsets = offsets
    }

    /// The position of the first text.
    public var startIndex: Int { 0 }
    /// The position after the last text.
    public var endIndex: Int { offsets.count - 1 }

    /// A text; invalid UTF-8 is replaced by U+FFFD.
    public subscript(position: Int) -> String {
        withBytes(at: position) { String(decoding: $0, as: UTF8.self) }
    }

    /// How many bytes a text has.
    public func byteCount(at position: Int) -> Int {
        offsets[position + 1] - 8 - offsets[position]
    }

    /// Lends the bytes of a text.
    public func withBytes<Result, Failure: Error>(
        at position: Int,
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(file) {} }
        let start = file.bytes.baseAddress! + offsets[position]
        return try body(UnsafeRawBufferPointer(start: start, count: byteCount(at: position)))
    }

    /// Lends the bytes of all texts, one after the other: the fastest way through a vocabulary.
    public func forEachBytes<Failure: Error>(
        _ body: (Int, UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        defer { withExtendedLifetime(file) {} }
        let start = file.bytes.baseAddress!
        try offsets.withUnsafeBufferPointer { (offsets) throws(Failure) in
            for position in 0..<offsets.count - 1 {
                let first = offsets[position]
                let length = offsets[position + 1] - 8 - first
                try body(position, UnsafeRawBufferPointer(start: start + first, count: length))
            }
        }
    }
}
