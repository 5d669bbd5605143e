/// The status and the header fields of a response.
package struct ResponseHead: Hashable, Sendable {
    /// The status code.
    package var status: Int
    /// The fields in order; names in lower case.
    package var fields: [Field] = []

    /// A header field.
    package struct Field: Hashable, Sendable {
        package var name: String
        package var value: String
    }

    /// The value of the first field with a name in lower case.
    package subscript(name: String) -> String? {
        fields.first { $0.name == name }?.value
    }

    /// The media type without parameters, in lower case; empty if the server names none.
    package var mediaType: String {
        let value = self["content-type"] ?? ""
        return value.prefix { $0 != ";" }.lowercased().filter { !$0.isWhitespace }
    }
}

/// Puts a response's head together from its lines.
///
/// Interim responses (1xx) and whatever came before a new status line are forgotten.
struct HeadParser: Sendable {
    let maximumBytes: Int
    private var bytes = 0
    private var head: ResponseHead?

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    enum Outcome: Hashable, Sendable {
        case more
        case complete(ResponseHead)
        case tooLarge
        case malformed
    }

    /// Takes the next line, with or without its line break.
    mutating func consume(_ line: [UInt8]) -> Outcome {
        bytes += line.count
        if bytes > maximumBytes { return .tooLarge }
        var content = line[...]
        while let last = content.last, last == 0x0a || last == 0x0d { content.removeLast() }
        if content.starts(with: "HTTP/".utf8) {
            guard let status = Self.status(of: content) else { return .malformed }
            head = ResponseHead(status: status)
            return .more
        }
        guard let current = head else { return .malformed }
        if content.isEmpty {
            head = nil
            return (100..<200).contains(current.status) ? .more : .complete(current)
        }
        // A line without a colon is a folded or broken one; nothing we need is in it.
        if let colon = content.firstIndex(of: 0x3a) {
            let name = String(decoding: content[..<colon], as: UTF8.self).lowercased()
            let value = String(decoding: content[(colon + 1)...], as: UTF8.self)
            head?.fields.append(ResponseHead.Field(name: name, value: value.trimmingSpace()))
        }
        return .more
    }

    private static func status(of line: ArraySlice<UInt8>) -> Int? {
        let parts = line.split(separator: 0x20, maxSplits: 2)
        guard parts.count >= 2, parts[1].count == 3 else { return nil }
        return Int(String(decoding: parts[1], as: UTF8.self))
    }
}

extension StringProtocol {
    /// Without white space at either end.
    func trimmingSpace() -> String {
        var rest = Substring(self)
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }
}
