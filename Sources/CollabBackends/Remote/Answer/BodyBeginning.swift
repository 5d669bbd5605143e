/// Tells from its first bytes what a body is, since servers and proxies do not always say so truthfully.
struct BodyBeginning {
    enum Verdict: Hashable {
        /// Only white space so far.
        case undecided
        /// Events: these bytes in the place of the last ones, or just the last ones.
        case stream([UInt8]?)
        /// A JSON text.
        case json([UInt8])
        /// HTML or XML.
        case markup
    }

    private let framing: EventFraming.Kind
    private var held: [UInt8] = []
    private var isDecided = false
    /// The first bytes as text, for messages.
    private(set) var excerpt = ""
    /// Whether any line so far begins as a line of a stream of events does.
    private(set) var looksLikeStream = false

    init(expecting framing: EventFraming.Kind = .serverSentEvents) {
        self.framing = framing
    }

    mutating func consume(_ bytes: [UInt8]) -> Verdict {
        if isDecided { return .stream(nil) }
        held += bytes
        if held.count < 3, held.first == 0xef { return .undecided }
        let mark = held.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
        // White space and empty lines before the content mean nothing in either form and need not be kept.
        let start = held[mark...].firstIndex { $0 != 0x20 && !(0x09...0x0d).contains($0) }
        guard let start else {
            held = []
            return .undecided
        }
        held.removeFirst(start)
        let first = held[0]
        isDecided = true
        excerpt = String(decoding: held.prefix(400), as: UTF8.self)
        let names = ["data", "event", "id", "retry", ":"]
        // The first piece may end within the field's name.
        looksLikeStream =
            framing == .jsonLines || names.contains { excerpt.hasPrefix($0) || $0.hasPrefix(excerpt) }
        defer { held = [] }
        switch first {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            // Lines of JSON begin as a single JSON text does, and one line is both.
            return framing == .jsonLines ? .stream(held) : .json(held)
        case UInt8(ascii: "<"): return .markup
        default: return .stream(held)
        }
    }
}
