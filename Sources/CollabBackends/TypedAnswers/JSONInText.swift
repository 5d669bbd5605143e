import Collab

/// Finds the JSON in what a model wrote.
enum JSONInText {
    /// How much of a text is looked at, from its end: that is where answers stand.
    static let sizeLimit = 1 << 20
    /// How many places are tried.
    static let attemptLimit = 64

    /// The values in a text, best first: the whole text, then those in fenced blocks, then any others; of each kind the
    /// last one first, and those that were cut off at the end of the text behind all others.
    static func candidates(in text: String) -> [JSONValue] {
        let bytes = Array(text.utf8.suffix(sizeLimit))
        if let whole = try? JSONValue(parsing: bytes.trimmed) { return [whole] }
        let fences = fencedBlocks(bytes)
        let fenced = fences.flatMap { values(in: bytes[$0]) }
        let all = (fenced.isEmpty ? [] : fenced.reversed()) + values(in: bytes[...]).reversed()
        return all.filter { !$0.isCutOff }.map(\.value) + all.filter(\.isCutOff).map(\.value)
    }

    private static func values(in bytes: ArraySlice<UInt8>) -> [(value: JSONValue, isCutOff: Bool)] {
        var found: [(value: JSONValue, isCutOff: Bool)] = []
        var position = bytes.startIndex
        for _ in 0..<attemptLimit {
            guard
                let start = bytes[position...].firstIndex(where: {
                    $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "[")
                })
            else { break }
            var reader = LenientJSONReader(bytes, at: start)
            if let value = reader.value() {
                found.append((value, reader.isCutOff))
                position = reader.position
            } else {
                position = start + 1
            }
        }
        return found
    }

    /// What stands between lines of three backticks; the last block may lack its end.
    private static func fencedBlocks(_ bytes: [UInt8]) -> [Range<Int>] {
        var blocks: [Range<Int>] = []
        var opening: Int?
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
            if bytes[start..<end].drop(while: { $0 <= 0x20 }).starts(with: "```".utf8) {
                if let begin = opening {
                    blocks.append(begin..<start)
                    opening = nil
                } else {
                    opening = min(end + 1, bytes.count)
                }
            }
            start = end + 1
        }
        if let opening { blocks.append(opening..<bytes.count) }
        return blocks
    }
}

extension [UInt8] {
    /// The bytes without white space at their ends.
    fileprivate var trimmed: [UInt8] {
        guard let first = firstIndex(where: { $0 > 0x20 }), let last = lastIndex(where: { $0 > 0x20 }) else {
            return []
        }
        return Array(self[first...last])
    }
}
