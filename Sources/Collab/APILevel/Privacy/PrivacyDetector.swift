/// A part of a text that must not leave, and why.
public struct PrivateSpan: Hashable, Sendable {
    /// What it is, as it reads in a placeholder: `EMAIL`, `CARD`.
    public var kind: String
    /// Where it stands in the text that was searched.
    public var range: Range<String.Index>

    /// Makes a span.
    public init(kind: String, range: Range<String.Index>) {
        self.kind = kind
        self.range = range
    }
}

/// Finds what is private in a text.
///
/// The detectors here find what has a form: addresses, numbers with check digits, keys. Names, places and stories have
/// none: list the words that matter (``words(_:_:)``), give a pattern, or let a local model look
/// (``model(_:instructions:)``). Nothing finds everything; where a leak must not happen, keep to local models.
public struct PrivacyDetector: Sendable, CustomStringConvertible {
    /// Finds spans in a text; they may overlap and stand in any order.
    public typealias Search = @Sendable (_ text: String) async throws -> [PrivateSpan]

    /// What is looked for, as it reads in a trace.
    public let description: String
    /// How many calls a search of a text makes.
    public let callRange: ClosedRange<Int>
    private let body: Search

    /// Makes a detector.
    public init(_ description: String, callRange: ClosedRange<Int> = 0...0, search: @escaping Search) {
        self.description = description
        self.callRange = callRange
        body = search
    }

    /// The private parts of a text.
    ///
    /// A detector that fails throws: that nothing was found must never mean that nothing was looked for.
    public func spans(in text: String) async throws(CollabError) -> [PrivateSpan] {
        do { return try await body(text).filter { !$0.range.isEmpty } } catch {
            throw CollabError(wrapping: error, "Looking for \(description) failed.")
        }
    }
}

extension [PrivacyDetector] {
    /// E-mail addresses, telephone, card and account numbers, IP addresses, and keys. National numbers are not among
    /// them, since each country's are an ordinary number elsewhere: add ``PrivacyDetector/nationalNumber(_:)``.
    public static var standard: [PrivacyDetector] {
        [.email, .phone, .cardNumber, .iban, .ipAddress, .secret]
    }
}

extension PrivacyDetector {
    /// Words of the program's own, such as the names of its customers: whole words in any case of letters.
    public static func words(_ kind: String, _ words: [String]) -> PrivacyDetector {
        let wanted = words.filter { !$0.isEmpty }
        return PrivacyDetector("\(wanted.count) words of the kind \(kind)") { text in
            wanted.flatMap { word in
                text.occurrences(of: word).filter { text.isWholeWord($0) }
                    .map { PrivateSpan(kind: kind, range: $0) }
            }
        }
    }

    /// What a regular expression of the program's own matches.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` if it is none.
    public static func pattern(_ kind: String, _ expression: String) throws(CollabError) -> PrivacyDetector {
        let compiled: Regex<AnyRegexOutput>
        do { compiled = try Regex(expression) } catch {
            throw CollabError(
                .invalidRequest,
                "“\(expression)” is no regular expression.",
                cause: error
            )
        }
        // A `Regex` is not Sendable, so the calls take turns.
        let shared = Protected(RegexBox(expression: compiled))
        return PrivacyDetector("the pattern of the kind \(kind)") { text in
            shared.withLock { $0.ranges(in: text) }.map { PrivateSpan(kind: kind, range: $0) }
        }
    }
}

private struct RegexBox {
    let expression: Regex<AnyRegexOutput>
    func ranges(in text: String) -> [Range<String.Index>] { text.matches(of: expression).map(\.range) }
}

extension String {
    /// Where another text occurs, in any case of letters, without overlaps.
    func occurrences(of other: String) -> [Range<Index>] {
        let wanted = other.map { $0.lowercased() }
        guard !wanted.isEmpty else { return [] }
        var found: [Range<Index>] = []
        var start = startIndex
        while start < endIndex {
            var (end, matched) = (start, 0)
            while end < endIndex, matched < wanted.count, self[end].lowercased() == wanted[matched] {
                end = index(after: end)
                matched += 1
            }
            if matched == wanted.count {
                found.append(start..<end)
                start = end
            } else {
                start = index(after: start)
            }
        }
        return found
    }

    /// Whether no letter or digit touches a range.
    func isWholeWord(_ range: Range<Index>) -> Bool {
        func isPart(_ character: Character) -> Bool { character.isLetter || character.isNumber }
        if range.lowerBound > startIndex, isPart(self[index(before: range.lowerBound)]) { return false }
        return range.upperBound == endIndex || !isPart(self[range.upperBound])
    }
}
