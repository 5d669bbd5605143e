/// How the spellings of tokens become text.
indirect enum TokenDecoder: Sendable {
    /// A token on its way to text.
    struct Part {
        /// Its spelling, or its one byte.
        var bytes: [UInt8]
        /// Whether it stands for one byte of a character.
        var isByte = false
    }

    /// One after another.
    case sequence([TokenDecoder])
    /// Letters of the ``ByteAlphabet`` become bytes.
    case byteLevel
    /// Matches of a pattern become a text, token by token.
    case replace(SplitPattern, with: [UInt8])
    /// Neighbouring byte tokens become characters; where they are no UTF-8, each becomes U+FFFD.
    case byteFallback
    /// All tokens become one.
    case fuse
    /// Up to so many times, a character goes from the ends of each token.
    case strip([UInt8], left: Int, right: Int)
    /// Marks become spaces, those of the first token nothing.
    case metaspace(TextSplitter.Metaspace)
    /// Tokens that do not go on with a word get a space before them; punctuation is drawn to the word before.
    case wordPiece(prefix: [UInt8], cleansUp: Bool)

    func apply(to parts: inout [Part]) {
        switch self {
        case .sequence(let decoders):
            for decoder in decoders { decoder.apply(to: &parts) }
        case .byteLevel:
            for index in parts.indices { parts[index].bytes = ByteAlphabet.decoded(parts[index].bytes) }
            Self.fuse(&parts)
        case .replace(let pattern, let replacement):
            let normaliser = TextNormaliser.replace(pattern, with: replacement)
            for index in parts.indices where !parts[index].isByte {
                normaliser.apply(to: &parts[index].bytes)
            }
        case .byteFallback: Self.joinBytes(&parts)
        case .fuse: Self.fuse(&parts)
        case .strip(let character, let left, let right):
            for index in parts.indices {
                var bytes = parts[index].bytes[...]
                for _ in 0..<left {
                    guard bytes.starts(with: character) else { break }
                    bytes = bytes.dropFirst(character.count)
                }
                for _ in 0..<right {
                    guard bytes.count >= character.count,
                        bytes.suffix(character.count).elementsEqual(character)
                    else { break }
                    bytes = bytes.dropLast(character.count)
                }
                parts[index].bytes = Array(bytes)
            }
        case .metaspace(let metaspace):
            for index in parts.indices {
                let isDropped = index == 0 && metaspace.prefix != .never
                let spaces = isDropped ? [] : [UInt8(ascii: " ")]
                TextNormaliser.replace(.literal(metaspace.mark), with: spaces).apply(to: &parts[index].bytes)
            }
        case .wordPiece(let prefix, let cleansUp):
            for index in parts.indices {
                if index > 0 {
                    if !prefix.isEmpty, parts[index].bytes.starts(with: prefix) {
                        parts[index].bytes.removeFirst(prefix.count)
                    } else {
                        parts[index].bytes.insert(UInt8(ascii: " "), at: 0)
                    }
                }
                if cleansUp { Self.cleanUp(&parts[index].bytes) }
            }
        }
    }

    private static func fuse(_ parts: inout [Part]) {
        parts = parts.isEmpty ? [] : [Part(bytes: parts.flatMap(\.bytes))]
    }

    private static func joinBytes(_ parts: inout [Part]) {
        var output: [Part] = []
        var pending: [UInt8] = []
        func flush() {
            if pending.isEmpty { return }
            let isText = String(validating: pending, as: UTF8.self) != nil
            output.append(
                Part(bytes: isText ? pending : pending.flatMap { _ in [0xEF, 0xBF, 0xBD] as [UInt8] })
            )
            pending = []
        }
        for part in parts {
            if part.isByte {
                pending += part.bytes
            } else {
                flush()
                output.append(part)
            }
        }
        flush()
        parts = output
    }

    /// What the tokenizers of the Transformers library draw together.
    private static let cleanUps: [(TextNormaliser)] = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
        (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ].map { .replace(.literal(Array($0.0.utf8)), with: Array($0.1.utf8)) }

    private static func cleanUp(_ bytes: inout [UInt8]) {
        for cleanUp in cleanUps { cleanUp.apply(to: &bytes) }
    }

    /// The marks that become spaces, if some do.
    var spaceMark: [UInt8]? {
        switch self {
        case .sequence(let decoders): decoders.lazy.compactMap(\.spaceMark).first
        case .metaspace(let metaspace): metaspace.mark
        case .replace(.literal(let mark), let replacement): replacement == [UInt8(ascii: " ")] ? mark : nil
        default: nil
        }
    }

    /// What marks a token that goes on with a word, if tokens are pieces of words.
    var continuation: [UInt8]? {
        switch self {
        case .sequence(let decoders): decoders.lazy.compactMap(\.continuation).first
        case .wordPiece(let prefix, _): prefix
        default: nil
        }
    }
}

extension ByteAlphabet {
    /// The bytes that a token means; itself if it is not written in the alphabet.
    static func decoded(_ written: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: written.count) { buffer, count in
            guard let output = buffer.baseAddress else { return }
            written.withUnsafeBufferPointer { written in
                bytes.withUnsafeBufferPointer { count = decode(written, table: $0, to: output) }
            }
        }
    }
}
