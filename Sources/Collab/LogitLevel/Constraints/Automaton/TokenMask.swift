/// A set of tokens, a bit each.
struct TokenMask: Hashable, Sendable {
    private(set) var words: [UInt64]

    /// No token of a vocabulary of so many.
    init(count: Int) { words = [UInt64](repeating: 0, count: (count + 63) / 64) }

    /// Whether there is no token.
    var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    /// How many tokens there are.
    var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// Whether a token belongs to the set.
    func contains(_ token: TokenID) -> Bool {
        token >= 0 && Int(token) / 64 < words.count && words[Int(token) / 64] >> UInt64(token % 64) & 1 == 1
    }

    /// The tokens as places of rows of so many, ascending.
    func places(below end: Int) -> [Int] {
        var places: [Int] = []
        for (index, word) in words.enumerated() where word != 0 {
            var rest = word
            while rest != 0 {
                let place = index * 64 + rest.trailingZeroBitCount
                guard place < end else { return places }
                places.append(place)
                rest &= rest - 1
            }
        }
        return places
    }

    /// Leaves only what another set has too.
    mutating func formIntersection(_ other: TokenMask) {
        for index in words.indices { words[index] &= index < other.words.count ? other.words[index] : 0 }
    }

    /// Adds tokens.
    mutating func insert(_ tokens: some Sequence<TokenID>) {
        for token in tokens { words[Int(token) / 64] |= 1 << UInt64(token % 64) }
    }

    /// Takes tokens away.
    mutating func remove(_ tokens: some Sequence<TokenID>) {
        for token in tokens where Int(token) / 64 < words.count {
            words[Int(token) / 64] &= ~(1 << UInt64(token % 64))
        }
    }

    /// Makes the logits of all other tokens −∞.
    func apply(to logits: inout Logits) {
        logits.values.withUnsafeMutableBufferPointer { values in
            for (index, word) in words.enumerated() where word != .max {
                let start = index * 64
                guard start < values.count else { return }
                let end = min(start + 64, values.count)
                if word == 0 {
                    values[start..<end].update(repeating: -.infinity)
                    continue
                }
                var absent = ~word
                while absent != 0 {
                    let place = start + absent.trailingZeroBitCount
                    if place < end { values[place] = -.infinity }
                    absent &= absent - 1
                }
            }
            // What lies behind the vocabulary's end is padding.
            let end = words.count * 64
            if end < values.count { values[end...].update(repeating: -.infinity) }
        }
    }
}
