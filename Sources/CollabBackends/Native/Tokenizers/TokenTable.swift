import Collab

/// A vocabulary: the bytes of every token, what kind it is, and how to find it.
struct TokenTable: Sendable {
    /// The bytes each token stands for. Control tokens hold their name here; byte tokens their one byte.
    let strings: ByteStrings
    /// What each token is.
    let kinds: [TokenKind]
    /// The token of each single byte: byte tokens in a SentencePiece vocabulary, normal ones in a byte-level one;
    /// −1 where there is none.
    let byteTokens: [TokenID]
    private let index: ByteIndex

    /// How many tokens there are.
    var count: Int { kinds.count }

    /// Makes a vocabulary.
    ///
    /// - Parameters:
    ///   - byteTokensAreText: whether single bytes are ordinary tokens, as in byte-level vocabularies.
    ///   - isFound: whether a token may be found by its bytes; as its kind says if `nil`.
    init(
        strings: ByteStrings,
        kinds: [TokenKind],
        byteTokensAreText: Bool,
        isFound: ((Int) -> Bool)? = nil
    ) throws(CollabError) {
        guard strings.count == kinds.count else {
            throw CollabError(
                .malformedFile,
                "The vocabulary lists \(strings.count) tokens but \(kinds.count) token types; the file is damaged."
            )
        }
        guard strings.bytes.count < UInt32.max, strings.count < Int32.max, strings.count > 0 else {
            throw CollabError(
                .malformedFile,
                "The vocabulary is empty or larger than 4 GiB; the file is damaged."
            )
        }
        self.strings = strings
        self.kinds = kinds
        let index = kinds.withUnsafeBufferPointer { kinds in
            ByteIndex(strings) { kinds[$0].isReachableByMerging && isFound?($0) ?? true }
        }
        self.index = index
        var byteTokens = [TokenID](repeating: -1, count: 256)
        if byteTokensAreText {
            for byte in 0..<256 {
                byteTokens[byte] = withUnsafeBytes(of: UInt8(byte)) { bytes in
                    index.find(bytes.baseAddress!, count: 1, in: strings)
                }
            }
        } else {
            for (id, kind) in kinds.enumerated() where kind == .byte {
                let spelling = strings[id]
                if spelling.count == 1, byteTokens[Int(spelling.first!)] < 0 {
                    byteTokens[Int(spelling.first!)] = TokenID(id)
                }
            }
        }
        self.byteTokens = byteTokens
    }

    /// The text token with exactly these bytes, or −1.
    @inline(__always)
    func find(_ key: UnsafeRawPointer, count: Int) -> TokenID {
        index.find(key, count: count, in: strings)
    }

    /// The text token with exactly these bytes.
    func find(_ key: [UInt8]) -> TokenID? {
        let found = key.withUnsafeBytes { bytes in
            bytes.isEmpty ? -1 : find(bytes.baseAddress!, count: bytes.count)
        }
        return found < 0 ? nil : found
    }

    /// The bytes of a token as text: none for control tokens and for ids out of range.
    func textBytes(of token: TokenID) -> [UInt8] {
        guard token >= 0, token < count, !kinds[Int(token)].isControl else { return [] }
        return Array(strings[Int(token)])
    }

    /// Every token's bytes and whether it is a control token, hashed in the order of the ids.
    func makeFingerprint() -> VocabularyFingerprint {
        Self.makeFingerprint(strings, kinds)
    }

    /// The fingerprint of a vocabulary whose tokens stand for these bytes.
    static func makeFingerprint(_ strings: ByteStrings, _ kinds: [TokenKind]) -> VocabularyFingerprint {
        var state: UInt64 = 0x4352_4157_4C45_5221
        strings.bytes.withUnsafeBytes { bytes in
            strings.offsets.withUnsafeBufferPointer { offsets in
                kinds.withUnsafeBufferPointer { kinds in
                    // An empty array has an address too; only a vocabulary of empty tokens lacks one.
                    let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 8)!
                    for id in 0..<kinds.count {
                        let start = Int(offsets[id])
                        let length = Int(offsets[id + 1]) - start
                        let seed: UInt64 = kinds[id].isControl ? 0xA5A5_0F0F_3C3C_9999 : 0x1234_5678_9ABC_DEF1
                        let hash = ByteHash.hash(base + start, count: length, seed: seed)
                        state = ByteHash.fold(state ^ hash, 0xBF58_476D_1CE4_E5B9) &+ hash
                    }
                }
            }
        }
        return VocabularyFingerprint(count: kinds.count, hash: state)
    }
}
