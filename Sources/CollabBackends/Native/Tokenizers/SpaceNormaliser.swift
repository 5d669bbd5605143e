/// Writes text the way a SentencePiece table holds it: `▁` (U+2581) and the space are one.
struct SpaceNormaliser {
    /// What has been written.
    private(set) var bytes: [UInt8] = []

    init(capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    /// Appends a stretch of text.
    ///
    /// - Parameter prefixed: whether a space goes before it.
    mutating func append(_ text: Slice<UnsafeBufferPointer<UInt8>>, prefixed: Bool) {
        if prefixed { bytes.append(UInt8(ascii: " ")) }
        let text = UnsafeBufferPointer(rebasing: text)
        var start = 0
        var index = 0
        while index + 2 < text.count {
            if text[index] == 0xE2, text[index + 1] == 0x96, text[index + 2] == 0x81 {
                bytes.append(contentsOf: text[start..<index])
                bytes.append(UInt8(ascii: " "))
                index += 3
                start = index
            } else {
                index += 1
            }
        }
        bytes.append(contentsOf: text[start...])
    }
}
