import Collab

/// The replacements that SentencePiece compiled into a model: a double-array trie of texts, and what they become.
///
/// A unit of the trie has the label of its edge in the low eight bits, bit 8 for “a value hangs below”, bit 9 for a
/// far offset, the offset above; a unit with bit 31 is a value, and the value is where the replacement begins.
///
/// A character with its marks that has less than six bytes is looked up whole; the shortest entry that it begins with
/// replaces all of it. Else each scalar is looked up by itself.
///
/// Source: S. Yata's Darts-clone; T. Kudo, J. Richardson, *SentencePiece*, 2018, §3.3.
struct PrecompiledCharsmap: Sendable {
    private let units: [UInt32]
    private let replacements: [UInt8]
    /// Those of Unicode's normalisation forms have 33 bytes at most.
    private static let longestReplacement = 1024

    /// Reads the content of a `precompiled_charsmap`, already decoded from base 64.
    ///
    /// Throws `malformedFile` where the trie's length is not that of the data, and for replacements beyond all measure.
    init(_ bytes: [UInt8]) throws(CollabError) {
        func word(_ place: Int) -> UInt32 {
            (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
        }
        guard bytes.count >= 4, Int(word(0)) <= bytes.count - 4, word(0) % 4 == 0 else {
            throw CollabError(
                .malformedFile,
                "The tokenizer's precompiled_charsmap is damaged: its trie is longer than the data."
            )
        }
        let count = Int(word(0)) / 4
        units = (0..<count).map { word(4 + 4 * $0) }
        replacements = Array(bytes[(4 + 4 * count)...])
        // Each ends with a 0. One without an end would make gigabytes of a few characters.
        guard replacements.split(separator: 0).allSatisfy({ $0.count <= Self.longestReplacement }) else {
            throw CollabError(
                .malformedFile,
                "The tokenizer's precompiled_charsmap has a replacement of more than \(Self.longestReplacement) bytes."
            )
        }
    }

    func apply(to text: inout [UInt8]) {
        var output: [UInt8] = []
        output.reserveCapacity(text.count + text.count / 8)
        var string = String(decoding: text, as: UTF8.self)
        string.makeContiguousUTF8()
        for character in string {
            let bytes = Array(character.utf8)
            if bytes.count < 6, let range = replacement(of: bytes) {
                output.append(contentsOf: replacements[range])
                continue
            }
            if character.unicodeScalars.count == 1 {
                // A text of one scalar was looked up already, unless it is too long, which none is.
                output.append(contentsOf: bytes)
                continue
            }
            for scalar in character.unicodeScalars {
                let bytes = Array(UTF8.encode(scalar)!)
                if let range = replacement(of: bytes) {
                    output.append(contentsOf: replacements[range])
                } else {
                    output.append(contentsOf: bytes)
                }
            }
        }
        text = output
    }

    /// What the shortest entry becomes that a text begins with.
    private func replacement(of key: [UInt8]) -> Range<Int>? {
        guard let root = units.first else { return nil }
        var place = Self.offset(root)
        for byte in key {
            if byte == 0 { return nil }
            place ^= Int(byte)
            guard units.indices.contains(place) else { return nil }
            let unit = units[place]
            guard unit & 0x8000_00FF == UInt32(byte) else { return nil }
            place ^= Self.offset(unit)
            if unit & 0x100 != 0, units.indices.contains(place) {
                let start = Int(units[place] & 0x7FFF_FFFF)
                guard start <= replacements.count else { return nil }
                return start..<(replacements[start...].firstIndex(of: 0) ?? replacements.count)
            }
        }
        return nil
    }

    private static func offset(_ unit: UInt32) -> Int {
        Int(unit >> 10) << Int((unit & 0x200) >> 6)
    }
}

extension [UInt8] {
    /// Decodes base 64; `nil` if it is none.
    init?(base64 text: String) {
        self = []
        reserveCapacity(text.utf8.count / 4 * 3)
        var bits: UInt32 = 0
        var count = 0
        var padding = 0
        for byte in text.utf8 {
            let value: UInt8
            switch byte {
            case 0x41...0x5A: value = byte - 0x41
            case 0x61...0x7A: value = byte - 0x61 + 26
            case 0x30...0x39: value = byte - 0x30 + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            case UInt8(ascii: "="):
                padding += 1
                continue
            default: return nil
            }
            if padding > 0 { return nil }
            bits = bits << 6 | UInt32(value)
            count += 1
            if count % 4 == 0 {
                append(UInt8(truncatingIfNeeded: bits >> 16))
                append(UInt8(truncatingIfNeeded: bits >> 8))
                append(UInt8(truncatingIfNeeded: bits))
            }
        }
        switch count % 4 {
        case 0: break
        case 2: append(UInt8(truncatingIfNeeded: bits >> 4))
        case 3:
            append(UInt8(truncatingIfNeeded: bits >> 10))
            append(UInt8(truncatingIfNeeded: bits >> 2))
        default: return nil
        }
    }
}
