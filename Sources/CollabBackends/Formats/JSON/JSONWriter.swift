/// How JSON text is laid out.
public struct JSONStyle: Hashable, Sendable {
    /// Whether keys are put in ascending order of their UTF-8; otherwise they keep the order they have.
    public var sortsKeys: Bool
    /// How many spaces each level is indented by; `nil` puts everything on one line without spaces.
    public var indentation: Int?

    /// Makes a style.
    public init(sortsKeys: Bool = false, indentation: Int? = nil) {
        self.sortsKeys = sortsKeys
        self.indentation = indentation
    }

    /// One line, members in their order.
    public static let compact = JSONStyle()
    /// One line, members sorted: equal values give equal bytes, so it can be hashed or compared.
    public static let canonical = JSONStyle(sortsKeys: true)
    /// Two spaces a level, members in their order.
    public static let pretty = JSONStyle(indentation: 2)
}

extension JSONValue: CustomStringConvertible {
    /// The value as JSON text in UTF-8.
    ///
    /// Doubles are written with the fewest digits that read back as the same number. JSON has no NaN and no
    /// infinity; they become `null`.
    public func encoded(_ style: JSONStyle = .compact) -> [UInt8] {
        var writer = JSONWriter(style: style)
        writer.write(self)
        return writer.bytes
    }

    /// The value as compact JSON text.
    public var description: String { String(decoding: encoded(), as: UTF8.self) }
}

/// Writes JSON text into a buffer.
struct JSONWriter {
    let style: JSONStyle
    var bytes: [UInt8] = []
    private var depth = 0

    init(style: JSONStyle) {
        self.style = style
    }

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .integer(let value): append(String(value))
        case .unsigned(let value): append(String(value))
        case .double(let value): append(value.isFinite ? value.description : "null")
        case .string(let value): write(value)
        case .array(let elements):
            writeList("[", "]", elements) { writer, element in writer.write(element) }
        case .object(let object):
            let members =
                style.sortsKeys ? object.members.sorted { precedes($0.key, $1.key) } : object.members
            writeList("{", "}", members) { writer, member in
                writer.write(member.key)
                writer.append(writer.style.indentation == nil ? ":" : ": ")
                writer.write(member.value)
            }
        }
    }

    private mutating func writeList<Element>(
        _ opening: String,
        _ closing: String,
        _ elements: [Element],
        _ body: (inout JSONWriter, Element) -> Void
    ) {
        append(opening)
        depth += 1
        for (position, element) in elements.enumerated() {
            if position > 0 { append(",") }
            breakLine()
            body(&self, element)
        }
        depth -= 1
        if !elements.isEmpty { breakLine() }
        append(closing)
    }

    private mutating func breakLine() {
        guard let indentation = style.indentation else { return }
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: depth * indentation))
    }

    /// Writes text in quotes; only what must be escaped is.
    mutating func write(_ text: String) {
        append("\"")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case 0x08: append("\\b")
            case 0x09: append("\\t")
            case 0x0A: append("\\n")
            case 0x0C: append("\\f")
            case 0x0D: append("\\r")
            case ..<0x20, 0x7F:
                append("\\u00")
                bytes.append(hexDigit(byte >> 4))
                bytes.append(hexDigit(byte & 15))
            default: bytes.append(byte)
            }
        }
        append("\"")
    }

    private func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x61 + value - 10 }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}
