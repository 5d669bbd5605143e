#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Turns texts into sparse vectors of hashed word and character n-grams: features that need no model at all.
///
/// Letters are lowered, every run of digits becomes `0` (so that `17 + 25` resembles `3 + 4`), and every symbol is a
/// word of its own. Character n-grams are taken within words, whose edges are marked.
public struct NGramFeatures: Hashable, Sendable, Codable {
    /// The lengths of word n-grams.
    public var words: ClosedRange<Int>
    /// The lengths of character n-grams; `nil` for none.
    public var characters: ClosedRange<Int>?
    /// How many buckets features are hashed into: a power of two.
    public var buckets: UInt32

    /// Makes a featuriser.
    public init(
        words: ClosedRange<Int> = 1...2,
        characters: ClosedRange<Int>? = 3...5,
        buckets: UInt32 = 1 << 20
    ) {
        self.words = words
        self.characters = characters
        self.buckets = buckets
    }

    /// How often each feature occurs in a text.
    public func counts(of text: String) -> SparseVector {
        var found: [UInt32] = []
        let buckets = max(buckets, 1)
        func add(_ hash: UInt64) {
            found.append(UInt32(truncatingIfNeeded: hash ^ (hash >> 29)) % buckets)
        }
        let tokens = Self.tokens(of: text)
        for start in tokens.indices {
            var hash = Self.start(kind: 1)
            for length in 1...max(1, min(words.upperBound, tokens.count - start)) {
                if length > 1 { hash = Self.mix(hash, UInt8(ascii: " ")) }
                for byte in tokens[start + length - 1].utf8 { hash = Self.mix(hash, byte) }
                if words.contains(length) { add(hash) }
            }
        }
        if let characters {
            for token in tokens {
                let marked = "<\(token)>".map { Array($0.utf8) }
                for start in marked.indices {
                    var hash = Self.start(kind: 2)
                    for length in 1...max(1, min(characters.upperBound, marked.count - start)) {
                        for byte in marked[start + length - 1] { hash = Self.mix(hash, byte) }
                        if characters.contains(length) { add(hash) }
                    }
                }
            }
        }
        return SparseVector(counting: found)
    }

    /// FNV-1a, begun with what kind of feature it is.
    private static func start(kind: UInt8) -> UInt64 { mix(0xcbf2_9ce4_8422_2325, kind) }

    private static func mix(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
        (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }

    /// Words, runs of digits as `0`, and symbols.
    static func tokens(of text: String) -> [String] {
        var tokens: [String] = []
        var word = ""
        var isNumber = false
        func end() {
            if !word.isEmpty { tokens.append(word) }
            word = ""
            isNumber = false
        }
        for character in text.lowercased() {
            if character.isASCIIDigit {
                if !isNumber {
                    end()
                    word = "0"
                    isNumber = true
                }
            } else if character.isLetter {
                if isNumber { end() }
                word.append(character)
            } else {
                end()
                if !character.isWhitespace { tokens.append(String(character)) }
            }
        }
        end()
        return tokens
    }
}

/// A vector most of whose elements are zero.
public struct SparseVector: Hashable, Sendable, Codable {
    /// The places of the elements that are not zero, ascending.
    public private(set) var indices: [UInt32]
    /// Their values.
    public private(set) var values: [Float]

    /// Makes a vector from its elements that are not zero.
    public init(_ elements: [UInt32: Float]) {
        let sorted = elements.sorted { $0.key < $1.key }
        indices = sorted.map(\.key)
        values = sorted.map(\.value)
    }

    /// Makes a vector that counts how often each place occurs.
    init(counting places: [UInt32]) {
        (indices, values) = ([], [])
        for place in places.sorted() {
            if place == indices.last {
                values[values.count - 1] += 1
            } else {
                indices.append(place)
                values.append(1)
            }
        }
    }

    /// The scalar product.
    public func dot(_ other: SparseVector) -> Float {
        var (i, j, sum) = (0, 0, Float(0))
        while i < indices.count, j < other.indices.count {
            if indices[i] == other.indices[j] {
                sum += values[i] * other.values[j]
                i += 1
                j += 1
            } else if indices[i] < other.indices[j] {
                i += 1
            } else {
                j += 1
            }
        }
        return sum
    }

    /// The vector with every value changed, scaled to unit length (a zero vector stays one).
    func normalized(_ change: (UInt32, Float) -> Float) -> SparseVector {
        var result = self
        for place in indices.indices { result.values[place] = change(indices[place], values[place]) }
        let length = sqrt(result.values.reduce(0) { $0 + $1 * $1 })
        if length > 0 { result.values = result.values.map { $0 / length } }
        return result
    }
}

/// Weights features by how rare they are: TF-IDF with sublinear term frequency and smoothed document frequency,
/// (1 + ln tf) · (1 + ln((1 + N) / (1 + df))), scaled to unit length.
public struct InverseDocumentFrequency: Hashable, Sendable, Codable {
    /// How many texts were counted.
    public let documents: Int
    /// In how many of them each feature occurs.
    public let frequencies: [UInt32: Int]

    /// Counts the features of texts.
    public init(counting texts: [SparseVector]) {
        documents = texts.count
        frequencies = texts.reduce(into: [:]) { result, text in
            for index in text.indices { result[index, default: 0] += 1 }
        }
    }

    /// Takes counts that were made before.
    public init(documents: Int, frequencies: [UInt32: Int]) {
        self.documents = documents
        self.frequencies = frequencies
    }

    /// The weighted vector of unit length.
    public func weighted(_ counts: SparseVector) -> SparseVector {
        counts.normalized { index, count in
            let rarity = log(Float(1 + documents) / Float(1 + (frequencies[index] ?? 0))) + 1
            return (1 + log(count)) * rarity
        }
    }
}
