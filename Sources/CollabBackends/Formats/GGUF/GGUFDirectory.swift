import Collab

/// The entries of all tensors, checked against the file and against each other.
struct GGUFDirectory {
    var tensors: [GGUFTensor] = []
    var index: [UTF8Key: Int]
    /// Where the tensors' bytes begin.
    var dataOffset = 0

    /// The longest name in bytes.
    private static let longestName = 64
    /// The most dimensions.
    private static let mostDimensions: UInt32 = 4

    init(_ cursor: inout GGUFCursor, count: Int, alignment: Int) throws(CollabError) {
        index = [UTF8Key: Int](minimumCapacity: count)
        var entries: [Entry] = []
        entries.reserveCapacity(count)
        for number in 0..<count {
            let entry = try Entry(&cursor, number: number, alignment: alignment)
            guard index.updateValue(number, forKey: UTF8Key(entry.name)) == nil else {
                throw cursor.error(
                    "the tensor “\(entry.name.abbreviated)” is there twice",
                    at: entry.position
                )
            }
            entries.append(entry)
        }
        // The position is within the file and the alignment at most 2^20: no overflow.
        dataOffset = (cursor.position + alignment - 1) & ~(alignment - 1)
        try Self.checkExtents(entries, room: cursor.file.count - dataOffset, cursor)
        let dataOffset = dataOffset
        tensors = entries.map { $0.tensor(from: dataOffset, fileCount: cursor.file.count) }
    }

    /// Throws unless every tensor lies within the file and none shares bytes with another.
    private static func checkExtents(_ entries: [Entry], room: Int, _ cursor: GGUFCursor) throws(CollabError)
    {
        var end: UInt64 = 0
        var previous = ""
        let occupied = entries.filter { $0.byteCount > 0 }
        for entry in occupied.sorted(by: { ($0.offset, $0.byteCount) < ($1.offset, $1.byteCount) }) {
            guard room >= 0, entry.offset <= UInt64(room),
                UInt64(entry.byteCount) <= UInt64(room) - entry.offset
            else {
                throw cursor.error(
                    "the tensor “\(entry.name.abbreviated)” has \(entry.byteCount) bytes at \(entry.offset) of the data, "
                        + "of which there are \(max(0, room))",
                    at: entry.position
                )
            }
            guard entry.offset >= end else {
                throw cursor.error(
                    "the tensors “\(previous.abbreviated)” and “\(entry.name.abbreviated)” share bytes",
                    at: entry.position
                )
            }
            end = entry.offset + UInt64(entry.byteCount)
            previous = entry.name
        }
    }
}

extension GGUFDirectory {
    /// One tensor's entry.
    private struct Entry {
        /// Where the entry itself is.
        let position: Int
        let name: String
        let dimensions: [Int]
        let type: GGUFTensorType
        /// Where the tensor's bytes are, counted from where all tensors' bytes begin.
        let offset: UInt64
        let elementCount: Int
        let byteCount: Int

        init(_ cursor: inout GGUFCursor, number: Int, alignment: Int) throws(CollabError) {
            position = cursor.position
            let name = try cursor.readName(limit: longestName, "the name of tensor \(number)")
            guard !name.utf8.contains(0) else {
                throw cursor.error("the name of tensor \(number) contains a NUL", at: position)
            }
            self.name = name
            dimensions = try Self.readDimensions(&cursor, name)
            let typeID = try cursor.read(UInt32.self, "the type of the tensor “\(name.abbreviated)”")
            guard let type = GGUFTensorType(id: typeID) else {
                throw cursor.error(
                    "the tensor “\(name.abbreviated)” is of the unknown type \(typeID); read here are "
                        + GGUFTensorType.supportedNames,
                    at: cursor.position - 4
                )
            }
            self.type = type
            (elementCount, byteCount) = try Self.size(dimensions, type, name, cursor)
            offset = try cursor.read(UInt64.self, "the offset of the tensor “\(name.abbreviated)”")
            guard offset % UInt64(alignment) == 0 else {
                throw cursor.error(
                    "the tensor “\(name.abbreviated)” begins at \(offset), which is no multiple of \(alignment)",
                    at: cursor.position - 8
                )
            }
        }

        private static func readDimensions(_ cursor: inout GGUFCursor, _ name: String) throws(CollabError)
            -> [Int]
        {
            let count = try cursor.read(
                UInt32.self,
                "the number of dimensions of the tensor “\(name.abbreviated)”"
            )
            guard count <= mostDimensions else {
                throw cursor.error(
                    "the tensor “\(name.abbreviated)” has \(count) dimensions; at most \(mostDimensions) are allowed",
                    at: cursor.position - 4
                )
            }
            var dimensions: [Int] = []
            for _ in 0..<count {
                let extent = try cursor.read(UInt64.self, "the shape of the tensor “\(name.abbreviated)”")
                guard let extent = Int(exactly: extent) else {
                    throw cursor.error(
                        "the tensor “\(name.abbreviated)” has an extent of \(extent)",
                        at: cursor.position - 8
                    )
                }
                dimensions.append(extent)
            }
            return dimensions
        }

        /// The numbers of elements and bytes, both below 2⁶³.
        private static func size(
            _ dimensions: [Int],
            _ type: GGUFTensorType,
            _ name: String,
            _ cursor: GGUFCursor
        ) throws(CollabError) -> (elements: Int, bytes: Int) {
            var elements = 1
            for extent in dimensions {
                let (product, overflow) = elements.multipliedReportingOverflow(by: extent)
                if overflow {
                    throw cursor.error(
                        "the tensor “\(name.abbreviated)” of shape \(dimensions) has 2^63 elements or more"
                    )
                }
                elements = product
            }
            guard (dimensions.first ?? 1) % type.blockElements == 0 else {
                throw cursor.error(
                    "the tensor “\(name.abbreviated)” has rows of \(dimensions.first ?? 1) elements, which is no multiple of the "
                        + "\(type.blockElements) of a block of \(type)"
                )
            }
            let (bytes, overflow) = (elements / type.blockElements).multipliedReportingOverflow(
                by: type.blockBytes
            )
            if overflow {
                throw cursor.error(
                    "the tensor “\(name.abbreviated)” of shape \(dimensions) has 2^63 bytes or more"
                )
            }
            return (elements, bytes)
        }

        /// The tensor with its place in the file; an empty one, which may claim any offset, is put at the data's end.
        func tensor(from dataOffset: Int, fileCount: Int) -> GGUFTensor {
            GGUFTensor(
                name: name,
                dimensions: dimensions,
                type: type,
                offset: byteCount == 0 ? min(dataOffset, fileCount) : dataOffset + Int(offset),
                elementCount: elementCount,
                byteCount: byteCount
            )
        }
    }
}
