import Collab

/// The header of a safetensors file, read and checked.
struct SafetensorsHeader {
    var metadata: [String: String] = [:]
    /// The tensors in the order of their bytes.
    var tensors: [SafetensorsTensor] = []

    /// The longest header in bytes.
    static let longest = 100_000_000
    /// The most tensors and the most texts of metadata, so that no file makes us build tables much larger than
    /// itself.
    private static let mostEntries = 1 << 17

    private let file: MappedFile
    private var names: Set<UTF8Key> = []

    init(_ file: MappedFile) throws(CollabError) {
        self.file = file
        let header = try Self.header(of: file)
        var reader = try JSONReader(header, policy: .file, subject: file.path, offset: 8)
        try reader.beginObject()
        while let name = try reader.nextKey(isFirst: names.isEmpty) {
            guard names.insert(UTF8Key(name)).inserted else {
                throw reader.error("the name “\(name.abbreviated)” is there twice", at: reader.keyPosition)
            }
            guard names.count <= Self.mostEntries else {
                throw reader.error("there are more than the \(Self.mostEntries) tensors that are read")
            }
            if name == "__metadata__" {
                metadata = try Self.readMetadata(&reader)
            } else {
                tensors.append(try SafetensorsEntry.read(&reader, name: name, dataOffset: 8 + header.count))
            }
        }
        try reader.finish()
        try sortAndCheckCoverage(dataOffset: 8 + header.count)
        names = []
    }

    private static func header(of file: MappedFile) throws(CollabError) -> UnsafeRawBufferPointer {
        guard file.count >= 8 else {
            throw .malformed(file, at: 0, "\(file.count) bytes are too few for a safetensors file")
        }
        let length = UInt64(littleEndian: file.bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(longest) else {
            throw .malformed(file, at: 0, "a header of \(length) bytes; at most \(longest) are allowed")
        }
        guard length <= UInt64(file.count - 8) else {
            throw .malformed(file, at: 0, "a header of \(length) bytes where \(file.count - 8) are left")
        }
        let header = UnsafeRawBufferPointer(rebasing: file.bytes[8..<8 + Int(length)])
        guard header.first == UInt8(ascii: "{") else {
            throw .malformed(file, at: 8, "the header must begin with “{”")
        }
        return header
    }

    private static func readMetadata(_ reader: inout JSONReader) throws(CollabError) -> [String: String] {
        var metadata: [String: String] = [:]
        var keys: Set<UTF8Key> = []
        try reader.beginObject()
        while let key = try reader.nextKey(isFirst: keys.isEmpty) {
            guard keys.insert(UTF8Key(key)).inserted else {
                throw reader.error("the metadata has “\(key.abbreviated)” twice", at: reader.keyPosition)
            }
            guard keys.count <= mostEntries else { throw reader.error("there is too much metadata") }
            guard reader.peek() == UInt8(ascii: "\"") else {
                throw reader.error("the metadata “\(key.abbreviated)” must be text")
            }
            metadata[key] = try reader.readString()
        }
        return metadata
    }

    /// Puts the tensors in the order of their bytes; throws unless these cover the rest of the file exactly.
    private mutating func sortAndCheckCoverage(dataOffset: Int) throws(CollabError) {
        tensors.sort { ($0.offset, $0.byteCount) < ($1.offset, $1.byteCount) }
        var end = dataOffset
        for tensor in tensors {
            guard tensor.offset == end else {
                throw .malformed(
                    file,
                    at: min(end, file.count),
                    "the tensor “\(tensor.name.abbreviated)” begins at byte \(tensor.offset), which "
                        + (tensor.offset > end ? "leaves a gap" : "overlaps another tensor")
                )
            }
            // Offsets are sums of Ints that were checked for overflow.
            end = tensor.offset + tensor.byteCount
            guard end <= file.count else {
                throw .malformed(
                    file,
                    at: file.count,
                    "the tensor “\(tensor.name.abbreviated)” ends at byte \(end), beyond the file"
                )
            }
        }
        guard end == file.count else {
            throw .malformed(file, at: end, "\(file.count - end) bytes after the last tensor belong to none")
        }
    }
}
