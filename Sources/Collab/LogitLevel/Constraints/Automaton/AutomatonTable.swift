/// What a ``ByteAutomaton`` has met so far.
struct AutomatonTable {
    /// How many situations are kept; more are forgotten before the next question.
    static let mostSituations = 20_000
    /// How many rows one question may add at most.
    static let mostRows = 60_000
    /// How many masks are kept for a vocabulary.
    static let mostMasks = 1_000
    /// How many steps over nothing one question may take.
    static let mostEffort = 20_000_000

    private(set) var situations: [ByteAutomaton.Situation] = []
    private var numbers: [ByteAutomaton.Situation: Int32] = [:]
    /// Where each situation's row begins; −1 if it has none yet.
    private(set) var rowStarts: [Int32] = []
    /// For each row, to which situation each of the 256 bytes leads.
    private(set) var rows: [Int32] = []
    /// For each row, the kinds of bytes that lead back, if that has been asked.
    private var loops: [UInt64?] = []
    /// The tokens that can come next, by vocabulary and situation.
    var masks: [VocabularyIdentity: [Int32: TokenMask]] = [:]
    /// How many steps are left.
    var effort = mostEffort

    static var tooComplicated: CollabError {
        CollabError(
            .unsupported,
            "The constraint can be read in too many ways at once; write it with fewer overlapping alternatives."
        )
    }

    /// A situation's number.
    mutating func number(of situation: ByteAutomaton.Situation) -> Int32 {
        if let number = numbers[situation] { return number }
        let number = Int32(situations.count)
        situations.append(situation)
        rowStarts.append(-1)
        numbers[situation] = number
        return number
    }

    /// Keeps a row; where it begins.
    mutating func addRow(_ row: [Int32], of place: Int32) throws(CollabError) -> Int32 {
        if loops.count == Self.mostRows { throw Self.tooComplicated }
        let start = Int32(rows.count)
        rows += row
        loops.append(nil)
        rowStarts[Int(place)] = start
        return start
    }

    /// The kinds of bytes all of which lead from a situation back to it.
    mutating func loops(at place: Int32, row: Int32) -> UInt64 {
        if let known = loops[Int(row) / 256] { return known }
        var kinds = UInt64.max
        for byte in 0..<256 where rows[Int(row) + byte] != place {
            kinds &= ~ByteKind.bit(of: UInt8(byte))
        }
        loops[Int(row) / 256] = kinds
        return kinds
    }

    /// Forgets everything if it is too much.
    mutating func forgetIfFull() {
        if situations.count > Self.mostSituations
            || masks.values.contains(where: { $0.count >= Self.mostMasks })
        {
            self = AutomatonTable()
        }
    }
}

/// Kinds of bytes that text treats alike: a set of them fits into a word.
enum ByteKind {
    private static let numbers: [UInt8] = (0...255).map { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): 0
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): 1
        case UInt8(ascii: "0")...UInt8(ascii: "9"): 2
        // Each sign is a kind of its own.
        case 0x20...0x2F: UInt8(3 + byte - 0x20)
        case 0x3A...0x40: UInt8(19 + byte - 0x3A)
        case 0x5B...0x60: UInt8(26 + byte - 0x5B)
        case 0x7B...0x7E: UInt8(32 + byte - 0x7B)
        case 0x09: 36
        case 0x0A: 37
        case 0x0D: 38
        case 0x00...0x1F, 0x7F: 39
        case 0x80...0xBF: 40
        case 0xC2...0xDF: 41
        case 0xE0...0xEF: 42
        case 0xF0...0xF4: 43
        default: 44
        }
    }

    /// The bit of a byte's kind.
    static func bit(of byte: UInt8) -> UInt64 { 1 << UInt64(numbers[Int(byte)]) }
}
