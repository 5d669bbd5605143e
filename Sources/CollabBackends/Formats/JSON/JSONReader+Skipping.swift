import Collab

extension JSONReader {
    /// The most keys that an object may have that nobody asked for.
    private static let mostSkippedKeys = 1 << 16

    /// Checks a value and drops it: nothing of it is kept, however large it is.
    mutating func skipValue() throws(CollabError) {
        switch peek() {
        case UInt8(ascii: "{"):
            try beginObject()
            var keys: Set<UTF8Key> = []
            var isFirst = true
            while let key = try nextKey(isFirst: isFirst) {
                isFirst = false
                if policy.duplicateKeys == .reject {
                    guard keys.insert(UTF8Key(key)).inserted else {
                        throw error("the object has the key “\(key.abbreviated)” twice", at: keyPosition)
                    }
                    guard keys.count <= Self.mostSkippedKeys else { throw error("too many unknown keys") }
                }
                try skipValue()
            }
        case UInt8(ascii: "["):
            try beginArray()
            var isFirst = true
            while try nextElement(isFirst: isFirst) {
                isFirst = false
                try skipValue()
            }
        default: _ = try readValue()
        }
    }

    /// A whole number from 0 to 2⁶³ − 1, written without fraction, exponent or sign.
    mutating func readCount(_ what: @autoclosure () -> String) throws(CollabError) -> Int {
        let isNumber = peek().map { $0 >= 0x30 && $0 <= 0x39 } ?? false
        let offset = position
        guard isNumber, let value = try readNumber().intValue else {
            throw error("\(what()) must be a whole number from 0 to 2^63 - 1", at: offset)
        }
        return value
    }
}
