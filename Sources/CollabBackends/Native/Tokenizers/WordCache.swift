import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Remembers the tokens of words seen earlier in the same text.
///
/// It keeps no bytes and no tokens of its own: an entry points at the word's first occurrence in the text and at its
/// tokens in the output. One entry a slot; a newcomer takes the slot over. It lives for one call, so that nothing is
/// shared between threads and no memory stays behind.
struct WordCache {
    private struct Entry {
        var textStart = 0
        var textCount: Int32 = 0
        var tokenCount: Int32 = 0
        var tokenStart = 0
    }

    private var entries: [Entry]
    private let mask: Int
    /// Longer words hardly come twice.
    private static let longestWord = 64

    init(textBytes: Int) {
        var capacity = 64
        while capacity < 16_384, capacity < textBytes / 4 { capacity *= 2 }
        entries = Array(repeating: Entry(), count: capacity)
        mask = capacity - 1
    }

    /// Appends a word's tokens: from an earlier occurrence if there is one, else by `tokenise`.
    @inline(__always)
    mutating func append(
        _ word: Range<Int>,
        of text: UnsafeBufferPointer<UInt8>,
        to output: inout [TokenID],
        tokenise: (inout [TokenID]) -> Void
    ) {
        let count = word.count
        guard count <= Self.longestWord else { return tokenise(&output) }
        let pointer = UnsafeRawPointer(text.baseAddress!)
        let hash = ByteHash.hash(pointer + word.lowerBound, count: count, seed: ByteHash.processSeed)
        let slot = Int(truncatingIfNeeded: hash >> 20) & mask
        let entry = entries[slot]
        if Int(entry.textCount) == count,
            memcmp(pointer + entry.textStart, pointer + word.lowerBound, count) == 0
        {
            for index in entry.tokenStart..<(entry.tokenStart + Int(entry.tokenCount)) {
                output.append(output[index])
            }
            return
        }
        let tokenStart = output.count
        tokenise(&output)
        entries[slot] = Entry(
            textStart: word.lowerBound,
            textCount: Int32(count),
            tokenCount: Int32(output.count - tokenStart),
            tokenStart: tokenStart
        )
    }
}
