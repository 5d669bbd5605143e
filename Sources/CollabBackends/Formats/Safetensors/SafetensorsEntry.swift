import Collab

/// Reads what a safetensors header says of one tensor.
enum SafetensorsEntry {
    /// The most dimensions.
    private static let mostDimensions = 64

    /// Reads `{"dtype": …, "shape": […], "data_offsets": [begin, end]}` in any order; unknown fields are dropped.
    static func read(
        _ reader: inout JSONReader,
        name: String,
        dataOffset: Int
    ) throws(CollabError) -> SafetensorsTensor {
        let place = reader.keyPosition
        let label = "the tensor “\(name.abbreviated)”"
        var fields = Fields()
        try reader.beginObject()
        while let key = try reader.nextKey(isFirst: fields.seen.isEmpty) {
            guard fields.seen.insert(UTF8Key(key)).inserted else {
                throw reader.error(
                    "\(label) has the field “\(key.abbreviated)” twice",
                    at: reader.keyPosition
                )
            }
            switch key {
            case "dtype": fields.type = try readType(&reader, label)
            case "shape":
                fields.shape = try readCounts(&reader, "the shape of \(label)", limit: mostDimensions)
            case "data_offsets": fields.range = try readCounts(&reader, "the range of \(label)", limit: 2)
            default: try reader.skipValue()
            }
        }
        guard let type = fields.type, let shape = fields.shape, let range = fields.range else {
            throw reader.error("\(label) lacks its dtype, shape or data_offsets", at: place)
        }
        guard range.count == 2, range[0] <= range[1] else {
            throw reader.error("\(label) must have two data_offsets in order", at: place)
        }
        let size = try byteCount(shape, type, reader, label, at: place)
        guard range[1] - range[0] == size else {
            throw reader.error(
                "\(label) of type \(type.rawValue) and shape \(shape) takes \(size) bytes, not \(range[1] - range[0])",
                at: place
            )
        }
        let (offset, overflow) = range[0].addingReportingOverflow(dataOffset)
        let (_, endOverflow) = range[1].addingReportingOverflow(dataOffset)
        if overflow || endOverflow { throw reader.error("\(label) lies beyond any file", at: place) }
        return SafetensorsTensor(name: name, shape: shape, type: type, offset: offset, byteCount: size)
    }

    private struct Fields {
        var seen: Set<UTF8Key> = []
        var type: SafetensorsType?
        var shape: [Int]?
        var range: [Int]?
    }

    private static func readType(_ reader: inout JSONReader, _ label: String) throws(CollabError)
        -> SafetensorsType
    {
        _ = reader.peek()
        let offset = reader.position
        let spelling = try reader.readString()
        guard let type = SafetensorsType(rawValue: spelling) else {
            let known = SafetensorsType.allCases.map(\.rawValue).joined(separator: ", ")
            throw reader.error(
                "\(label) is of the unknown type “\(spelling.abbreviated)”; known are \(known)",
                at: offset
            )
        }
        return type
    }

    private static func readCounts(
        _ reader: inout JSONReader,
        _ what: String,
        limit: Int
    ) throws(CollabError) -> [Int] {
        var counts: [Int] = []
        try reader.beginArray()
        while try reader.nextElement(isFirst: counts.isEmpty) {
            counts.append(try reader.readCount(what))
            if counts.count > limit { throw reader.error("\(what) has more than \(limit) numbers") }
        }
        return counts
    }

    private static func byteCount(
        _ shape: [Int],
        _ type: SafetensorsType,
        _ reader: JSONReader,
        _ label: String,
        at place: Int
    ) throws(CollabError) -> Int {
        var count = 1
        for extent in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            if overflow {
                throw reader.error("\(label) of shape \(shape) has 2^63 elements or more", at: place)
            }
            count = product
        }
        let (bits, overflow) = count.multipliedReportingOverflow(by: type.bitCount)
        if overflow { throw reader.error("\(label) of shape \(shape) has 2^63 bits or more", at: place) }
        guard bits % 8 == 0 else {
            throw reader.error(
                "\(label) has \(count) elements of \(type.rawValue), which fill no whole bytes",
                at: place
            )
        }
        return bits / 8
    }
}
