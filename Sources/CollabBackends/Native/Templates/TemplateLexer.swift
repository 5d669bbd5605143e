import Collab

/// Cuts a template's source into tokens, with the whitespace rules of `trim_blocks` and `lstrip_blocks`: the line
/// break after a block tag goes, and so do spaces before a block tag that begins its line.
struct TemplateLexer {
    private let source: [UInt8]
    private var position = 0
    private var line = 1
    private var tokens: [TemplateToken] = []
    /// Whether what was read last ended with a line break.
    private var isAtLineStart = true

    init(_ source: String) {
        self.source = Self.normalisingLineBreaks(source)
    }

    /// All tokens, the last of which is ``TemplateToken/Kind/end``.
    mutating func tokenise() throws(CollabError) -> [TemplateToken] {
        while position < source.count {
            guard let tag = nextTag() else {
                appendText(source[position...])
                position = source.count
                break
            }
            try readTag(at: tag)
        }
        append(.end)
        return tokens
    }

    /// Line breaks become `\n`, and one at the very end goes.
    private static func normalisingLineBreaks(_ source: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(source.utf8.count)
        var previous: UInt8 = 0
        for byte in source.utf8 {
            if byte == newline, previous == 0x0D {
                // The break was written when its first half came.
            } else {
                bytes.append(byte == 0x0D ? newline : byte)
            }
            previous = byte
        }
        if bytes.last == newline { bytes.removeLast() }
        return bytes
    }

    private static let newline = UInt8(ascii: "\n")

    // MARK: Text and tags

    /// The place of the next `{{`, `{%` or `{#`.
    private func nextTag() -> Int? {
        var index = position
        while index + 1 < source.count {
            if source[index] == UInt8(ascii: "{") {
                switch source[index + 1] {
                case UInt8(ascii: "{"), UInt8(ascii: "%"), UInt8(ascii: "#"): return index
                default: break
                }
            }
            index += 1
        }
        return nil
    }

    private mutating func readTag(at tag: Int) throws(CollabError) {
        let kind = source[tag + 1]
        let sign = byte(at: tag + 2)
        let isSigned = sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+")
        appendText(textBeforeTag(source[position..<tag], kind: kind, sign: sign))
        advance(to: tag + (isSigned ? 3 : 2))
        isAtLineStart = false
        switch kind {
        case UInt8(ascii: "#"):
            guard let end = find("#}", from: position) else { throw failure("a comment is not closed") }
            let closingSign = end > position ? source[end - 1] : 0
            advance(to: end + 2)
            skipAfterTag(sign: closingSign, trimsBlock: true)
        case UInt8(ascii: "{"):
            append(.variableBegin)
            try readTagContent(closing: UInt8(ascii: "}"))
            append(.variableEnd)
        default:
            if try readRaw() { return }
            append(.blockBegin)
            try readTagContent(closing: UInt8(ascii: "%"))
            append(.blockEnd)
        }
    }

    /// Text before a tag, as the tag's sign and kind want it.
    private func textBeforeTag(_ text: ArraySlice<UInt8>, kind: UInt8, sign: UInt8) -> ArraySlice<UInt8> {
        if sign == UInt8(ascii: "-") { return text.droppingTrailingSpace() }
        if sign == UInt8(ascii: "+") || kind == UInt8(ascii: "{") { return text }
        let lineStart = text.lastIndex(of: Self.newline).map { $0 + 1 } ?? text.startIndex
        guard lineStart > text.startIndex || isAtLineStart else { return text }
        return text[lineStart...].droppingTrailingSpace().isEmpty ? text[..<lineStart] : text
    }

    /// Skips what a tag's end takes with it.
    private mutating func skipAfterTag(sign: UInt8, trimsBlock: Bool) {
        if sign == UInt8(ascii: "-") {
            skipSpace()
        } else if trimsBlock, sign != UInt8(ascii: "+"), byte(at: position) == Self.newline {
            advance(to: position + 1)
        }
        isAtLineStart = position > 0 && source[position - 1] == Self.newline
    }

    /// `{% raw %}…{% endraw %}`: reads it, if it is there, as text.
    private mutating func readRaw() throws(CollabError) -> Bool {
        guard let (begin, _) = rawTag("raw", from: position, takesPlus: false) else { return false }
        advance(to: begin)
        let start = position
        var index = start
        while let tag = find("{%", from: index) {
            let sign = byte(at: tag + 2)
            let isSigned = sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+")
            if let (end, closingSign) = rawTag("endraw", from: tag + (isSigned ? 3 : 2), takesPlus: true) {
                isAtLineStart = source[start - 1] == Self.newline
                appendText(textBeforeTag(source[start..<tag], kind: UInt8(ascii: "%"), sign: sign))
                advance(to: end)
                if closingSign != UInt8(ascii: "-") { skipAfterTag(sign: closingSign, trimsBlock: true) }
                isAtLineStart = source[position - 1] == Self.newline
                return true
            }
            index = tag + 2
        }
        throw failure("a raw block is not closed")
    }

    /// Where the rest of a tag such as `raw -%}` ends, and its sign. Space after a `-` is included.
    private func rawTag(_ name: String, from start: Int, takesPlus: Bool) -> (end: Int, sign: UInt8)? {
        var index = source[start...].skippingSpace()
        guard source[index...].starts(with: name.utf8) else { return nil }
        index = source[(index + name.utf8.count)...].skippingSpace()
        var sign: UInt8 = 0
        let found = byte(at: index)
        if found == UInt8(ascii: "-") || (takesPlus && found == UInt8(ascii: "+")) {
            sign = found
            index += 1
        }
        guard byte(at: index) == UInt8(ascii: "%"), byte(at: index + 1) == UInt8(ascii: "}") else {
            return nil
        }
        index += 2
        return (sign == UInt8(ascii: "-") ? source[index...].skippingSpace() : index, sign)
    }

    // MARK: Inside tags

    /// Reads tokens up to and with the tag's end, which is `closing` and `}`; brackets must be closed before.
    private mutating func readTagContent(closing: UInt8) throws(CollabError) {
        var brackets: [UInt8] = []
        while true {
            skipSpace()
            guard position < source.count else { throw failure("a tag is not closed") }
            let first = source[position]
            if brackets.isEmpty {
                let isSigned =
                    first == UInt8(ascii: "-") || (first == UInt8(ascii: "+") && closing == UInt8(ascii: "%"))
                let end = position + (isSigned ? 1 : 0)
                if byte(at: end) == closing, byte(at: end + 1) == UInt8(ascii: "}") {
                    advance(to: end + 2)
                    skipAfterTag(sign: isSigned ? first : 0, trimsBlock: closing == UInt8(ascii: "%"))
                    return
                }
            }
            switch first {
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                try readString(quote: first)
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                try readNumber()
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "_"), 0x80...:
                readName()
            default:
                try readSymbol(&brackets)
            }
        }
    }

    private mutating func readName() {
        let start = position
        while position < source.count {
            switch source[position] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "_"), 0x80...,
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                position += 1
                continue
            default: break
            }
            break
        }
        append(.name(String(decoding: source[start..<position], as: UTF8.self)))
    }

    private mutating func readNumber() throws(CollabError) {
        let start = position
        func skipDigits() {
            while isDigit(byte(at: position)) || byte(at: position) == UInt8(ascii: "_") { position += 1 }
        }
        skipDigits()
        var isWhole = true
        if byte(at: position) == UInt8(ascii: "."), isDigit(byte(at: position + 1)) {
            isWhole = false
            position += 1
            skipDigits()
        }
        if byte(at: position) | 0x20 == UInt8(ascii: "e") {
            let sign = byte(at: position + 1)
            let digits = position + (sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") ? 2 : 1)
            if isDigit(byte(at: digits)) {
                isWhole = false
                position = digits
                skipDigits()
            }
        }
        let text = String(
            decoding: source[start..<position].filter { $0 != UInt8(ascii: "_") },
            as: UTF8.self
        )
        if isWhole {
            // A number beyond Int can index nothing and count nothing, so it may as well be a floating point one.
            append(Int(text).map { .integer($0) } ?? .double(Double(text) ?? .infinity))
        } else {
            append(.double(Double(text) ?? .infinity))
        }
    }

    private static let longSymbols: Set<String> = ["//", "**", "==", "!=", ">=", "<="]
    private static let symbols = Set("+-/*%~[](){}><=.:|,;".utf8)

    private mutating func readSymbol(_ brackets: inout [UInt8]) throws(CollabError) {
        let first = source[position]
        let pair = String(decoding: [first, byte(at: position + 1)], as: UTF8.self)
        if Self.longSymbols.contains(pair) {
            append(.symbol(pair))
            position += 2
            return
        }
        let shown = String(decoding: source[position..<min(source.count, position + 1)], as: UTF8.self)
        guard Self.symbols.contains(first) else {
            throw failure("the character “\(shown)” has no meaning here")
        }
        switch first {
        case UInt8(ascii: "("): brackets.append(UInt8(ascii: ")"))
        case UInt8(ascii: "["): brackets.append(UInt8(ascii: "]"))
        case UInt8(ascii: "{"): brackets.append(UInt8(ascii: "}"))
        case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"):
            guard brackets.popLast() == first else { throw failure("the bracket “\(shown)” was not opened") }
        default: break
        }
        append(.symbol(shown))
        position += 1
    }

    private mutating func readString(quote: UInt8) throws(CollabError) {
        let startLine = line
        var literal = TemplateStringLiteral()
        position += 1
        while true {
            guard position < source.count else {
                line = startLine
                throw failure("a text literal is not closed")
            }
            let byte = source[position]
            if byte == quote { break }
            if byte == Self.newline { line += 1 }
            if byte == UInt8(ascii: "\\") {
                let escaped = self.byte(at: position + 1)
                if escaped == Self.newline { line += 1 }
                position += literal.appendEscape(source[position...])
            } else {
                literal.bytes.append(byte)
                position += 1
            }
        }
        position += 1
        tokens.append(
            TemplateToken(kind: .string(String(decoding: literal.bytes, as: UTF8.self)), line: startLine)
        )
    }

    // MARK: Steps

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// A byte of the source, or 0 past its end.
    private func byte(at index: Int) -> UInt8 {
        index < source.count ? source[index] : 0
    }

    private func find(_ text: StaticString, from start: Int) -> Int? {
        let (first, second) = (text.utf8Start[0], text.utf8Start[1])
        var index = start
        while index + 1 < source.count {
            if source[index] == first, source[index + 1] == second { return index }
            index += 1
        }
        return nil
    }

    private mutating func skipSpace() {
        advance(to: source[position...].skippingSpace())
    }

    private mutating func advance(to index: Int) {
        for byte in source[position..<index] where byte == Self.newline { line += 1 }
        position = index
    }

    private mutating func append(_ kind: TemplateToken.Kind) {
        tokens.append(TemplateToken(kind: kind, line: line))
    }

    private mutating func appendText(_ text: ArraySlice<UInt8>) {
        if !text.isEmpty { append(.text(String(decoding: text, as: UTF8.self))) }
    }

    private func failure(_ message: String) -> CollabError {
        .template(.malformedFile, line: line, message)
    }
}

extension CollabError {
    /// An error in a chat template.
    static func template(_ code: Code, line: Int, _ message: String) -> CollabError {
        CollabError(code, "Chat template, line \(line): \(message).")
    }
}
