/// Where in a character a text stands that is written byte by byte in UTF-8.
struct CharacterPlace: Hashable, Sendable {
    /// How many bytes the character under way still lacks.
    private var lacking = 0
    /// Which bytes can come next within it.
    private var next: ClosedRange<UInt8> = 0x80...0xBF

    /// The place in front of a character.
    init() {}

    /// The place behind some bytes; what is no character counts for nothing.
    init(after bytes: some BidirectionalCollection<UInt8>) {
        for byte in bytes.suffix(3) { advance(by: byte) }
    }

    /// Whether no character is under way.
    var isWhole: Bool { lacking == 0 }

    /// Whether a text of whole characters can go on with a byte.
    func allows(_ byte: UInt8) -> Bool {
        isWhole ? byte < 0x80 || Self.sequence(ledBy: byte) != nil : next.contains(byte)
    }

    mutating func advance(by byte: UInt8) {
        if !isWhole, next.contains(byte) {
            lacking -= 1
            next = 0x80...0xBF
        } else if let sequence = Self.sequence(ledBy: byte) {
            (lacking, next) = (sequence.count - 1, sequence.second)
        } else {
            self = CharacterPlace()
        }
    }

    /// How many bytes a character has that begins with a byte, and which can be its second; `nil` if no longer character
    /// begins so.
    ///
    /// The second byte's bounds keep out overlong forms, surrogates, and what lies above U+10FFFF (Unicode 3.9, table 3-7).
    static func sequence(ledBy lead: UInt8) -> (count: Int, second: ClosedRange<UInt8>)? {
        switch lead {
        case 0xC2...0xDF: (2, 0x80...0xBF)
        case 0xE0: (3, 0xA0...0xBF)
        case 0xED: (3, 0x80...0x9F)
        case 0xE1...0xEF: (3, 0x80...0xBF)
        case 0xF0: (4, 0x90...0xBF)
        case 0xF1...0xF3: (4, 0x80...0xBF)
        case 0xF4: (4, 0x80...0x8F)
        default: nil
        }
    }
}
