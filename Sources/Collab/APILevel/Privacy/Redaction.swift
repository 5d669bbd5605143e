/// Private parts of a request and the placeholders that stand for them.
///
/// The same text has the same placeholder in every message, so that the model can tell that it is the same person; a
/// placeholder is never one that the request itself contains.
public struct Redaction: Sendable {
    /// A private text and its placeholder.
    public struct Entry: Hashable, Sendable {
        /// What it is.
        public var kind: String
        /// The private text.
        public var original: String
        /// What stands for it, such as `[EMAIL_1]`.
        public var placeholder: String
    }

    /// The entries, in the order in which they were found.
    public private(set) var entries: [Entry] = []
    /// The request with placeholders.
    public private(set) var request: Request

    /// Whether nothing private was found.
    public var isEmpty: Bool { entries.isEmpty }

    /// How many private texts there are, by kind, without the texts.
    public var summary: String {
        let counts = entries.reduce(into: [String: Int]()) { $0[$1.kind, default: 0] += 1 }
        return counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }

    /// Finds what is private in a request and puts placeholders in its place: in all messages, in the arguments of tool
    /// calls, in stop sequences.
    ///
    /// Throws what the detectors throw, and ``CollabError/Code/unsupported`` if a message has attachments, which nobody
    /// has looked into.
    public init(of request: Request, by detectors: [PrivacyDetector]) async throws(CollabError) {
        self.request = request
        if request.messages.contains(where: { !$0.attachments.isEmpty }) {
            throw CollabError(
                .unsupported,
                "Images and files are not searched for private parts, so the request was not sent on."
            )
        }
        let texts = request.allTexts
        var seen: [[PrivateSpan]] = []
        for text in texts { seen.append(try await spans(of: text, by: detectors)) }
        var known: Set<String> = []
        let originals = zip(texts, seen).flatMap { text, spans in
            spans.map { (kind: $0.kind, original: String(text[$0.range])) }
                .filter { known.insert($0.original).inserted }
        }
        guard !originals.isEmpty else { return }
        var found: [(kind: String, original: String)] = []
        // By bytes: texts that Swift holds to be equal may be written differently, and the ranges then differ.
        var places: [[UInt8]: [Range<String.Index>]] = [:]
        for (text, spans) in zip(texts, seen) {
            // What was seen in one text may overlap with what was seen in another: then all of it is private.
            let again = originals.flatMap { kind, original in
                Self.sureOccurrences(of: original, in: text).map { PrivateSpan(kind: kind, range: $0) }
            }
            let merged = Self.merged(spans + again, in: text)
            found += merged.map { ($0.kind, String(text[$0.range])) }
            places[Array(text.utf8)] = merged.map(\.range)
        }
        name(found, unlike: texts)
        self.request = request.mappingTexts { redacted($0, at: places[Array($0.utf8)] ?? []) }
    }

    private func spans(of text: String, by detectors: [PrivacyDetector]) async throws(CollabError)
        -> [PrivateSpan]
    {
        var spans: [PrivateSpan] = []
        for detector in detectors {
            // What ends within a character, before an accent say, ends after it: half of one cannot be replaced.
            spans += try await detector.spans(in: text).map {
                PrivateSpan(kind: $0.kind, range: text.wholeCharacters($0.range))
            }
        }
        return spans
    }

    /// Overlapping spans become one, of the kind of the longest.
    private static func merged(
        _ spans: [PrivateSpan],
        in text: String
    ) -> [(kind: String, range: Range<String.Index>)] {
        var merged: [(kind: String, range: Range<String.Index>, longest: Int)] = []
        for span in spans.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            let length = text[span.range].utf8.count
            if let last = merged.last, span.range.lowerBound < last.range.upperBound {
                let end = max(last.range.upperBound, span.range.upperBound)
                merged[merged.count - 1].range = last.range.lowerBound..<end
                if length > last.longest {
                    merged[merged.count - 1].kind = span.kind
                    merged[merged.count - 1].longest = length
                }
            } else {
                merged.append((span.kind, span.range, length))
            }
        }
        return merged.map { ($0.kind, $0.range) }
    }

    private mutating func name(_ found: [(kind: String, original: String)], unlike texts: [String]) {
        let kinds = Set(found.map(\.kind))
        func isTaken(_ mark: String) -> Bool {
            kinds.contains { kind in texts.contains { !$0.occurrences(of: "[\(kind)_\(mark)").isEmpty } }
        }
        var mark = ""
        while isTaken(mark) { mark += "X" }
        var counts: [String: Int] = [:]
        for (kind, original) in found where !entries.contains(where: { $0.original == original }) {
            counts[kind, default: 0] += 1
            let number = counts[kind, default: 0]
            entries.append(
                Entry(kind: kind, original: original, placeholder: "[\(kind)_\(mark)\(number)]")
            )
        }
    }

    /// Where a private text occurs as a word, or is long enough that this is no chance.
    private static func sureOccurrences(of original: String, in text: String) -> [Range<String.Index>] {
        text.occurrences(of: original).filter { original.count >= 6 || text.isWholeWord($0) }
    }

    /// A text with placeholders for everything private that occurs in it, also where no detector saw it.
    public func redacted(_ text: String) -> String { redacted(text, at: []) }

    /// What detectors saw is replaced at its places in any case.
    private func redacted(_ text: String, at places: [Range<String.Index>]) -> String {
        var claimed: [(range: Range<String.Index>, placeholder: String)] = places.compactMap { range in
            entries.first { $0.original == text[range] }.map { (range, $0.placeholder) }
        }
        for entry in entries.sorted(by: { $0.original.utf8.count > $1.original.utf8.count }) {
            for range in Self.sureOccurrences(of: entry.original, in: text) {
                if !claimed.contains(where: { $0.range.overlaps(range) }) {
                    // In another case of letters it may be an entry of its own.
                    let exact = entries.first { $0.original == text[range] }
                    claimed.append((range, (exact ?? entry).placeholder))
                }
            }
        }
        var result = ""
        var start = text.startIndex
        for (range, placeholder) in claimed.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            result += text[start..<range.lowerBound] + placeholder
            start = range.upperBound
        }
        return result + text[start...]
    }

    /// A text with the private parts back in the place of their placeholders, in whatever case they are written.
    public func restored(_ text: String) -> String {
        var restorer = PlaceholderRestorer(self)
        return restorer.add(text) + restorer.finish()
    }
}

/// Puts private parts back into a text that comes in pieces: a placeholder may be split over several of them.
struct PlaceholderRestorer {
    private let entries: [(placeholder: String, original: String)]
    private let longest: Int
    private var held = ""

    init(_ redaction: Redaction) {
        entries = redaction.entries.map { ($0.placeholder.lowercased(), $0.original) }
        longest = entries.map(\.placeholder.count).max() ?? 0
    }

    /// What can be handed on after a further piece.
    mutating func add(_ piece: String) -> String {
        held += piece
        var output = ""
        while let start = held.firstIndex(of: "[") {
            output += held[..<start]
            held.removeSubrange(..<start)
            let lowered = held.prefix(longest).lowercased()
            if let entry = entries.first(where: { lowered.hasPrefix($0.placeholder) }) {
                output += entry.original
                held.removeFirst(entry.placeholder.count)
            } else if entries.contains(where: { $0.placeholder.hasPrefix(lowered) }) {
                return output
            } else {
                output.append(held.removeFirst())
            }
        }
        output += held
        held = ""
        return output
    }

    /// What was held back and has become nothing.
    mutating func finish() -> String {
        defer { held = "" }
        return held
    }
}

extension String {
    /// The characters that a range touches, in whole.
    fileprivate func wholeCharacters(_ range: Range<Index>) -> Range<Index> {
        var (start, end) = (range.lowerBound, range.upperBound)
        if Index(start, within: self) == nil { start = index(before: index(after: start)) }
        if Index(end, within: self) == nil { end = index(after: end) }
        return start..<end
    }
}

extension Request {
    /// Every text that a backend would send.
    var allTexts: [String] {
        let texts =
            switch input {
            case .completion(let text): [text]
            case .dialogue(let messages):
                messages.flatMap { [$0.text] + $0.toolCalls.map(\.arguments) + $0.thinkingBlocks.map(\.text) }
            }
        return texts + options.stopSequences
    }

    /// The same request with every text changed.
    func mappingTexts(_ change: (String) -> String) -> Request {
        var request = self
        switch input {
        case .completion(let text): request.input = .completion(change(text))
        case .dialogue(var messages):
            for index in messages.indices {
                messages[index].text = change(messages[index].text)
                for call in messages[index].toolCalls.indices {
                    messages[index].toolCalls[call].arguments = change(
                        messages[index].toolCalls[call].arguments
                    )
                }
                // What is signed cannot be changed, only left out.
                messages[index].thinkingBlocks.removeAll { change($0.text) != $0.text }
            }
            request.input = .dialogue(messages)
        }
        request.options.stopSequences = options.stopSequences.map(change)
        return request
    }
}
