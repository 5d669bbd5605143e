extension Unicode.Scalar {
    /// Whether Python counts the character as space.
    var isTemplateSpace: Bool {
        if value < 0x80 { return value == 0x20 || (9...13).contains(value) || (0x1C...0x1F).contains(value) }
        return properties.isWhitespace
    }
}

extension ArraySlice where Element == UInt8 {
    /// The first place whose character is no space.
    func skippingSpace() -> Int {
        var index = startIndex
        while index < endIndex {
            if self[index] < 0x80 {
                guard Unicode.Scalar(self[index]).isTemplateSpace else { break }
                index += 1
            } else {
                var end = index + 1
                while end < endIndex, self[end] & 0xC0 == 0x80 { end += 1 }
                guard Self.isSpace(self[index..<end]) else { break }
                index = end
            }
        }
        return index
    }

    /// The bytes without the spaces at their end.
    func droppingTrailingSpace() -> ArraySlice<UInt8> {
        var end = endIndex
        while end > startIndex {
            var start = end - 1
            while start > startIndex, self[start] & 0xC0 == 0x80 { start -= 1 }
            guard Self.isSpace(self[start..<end]) else { break }
            end = start
        }
        return self[..<end]
    }

    private static func isSpace(_ character: ArraySlice<UInt8>) -> Bool {
        String(decoding: character, as: UTF8.self).unicodeScalars.first?.isTemplateSpace ?? false
    }
}
