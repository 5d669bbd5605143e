/// What a text answers, reduced to its equality class: `42`, `42.0` and `$42` are the same answer.
///
/// A text from which nothing could be read is ``unparsed``: it is counted and reported, never voted for, and never
/// replaced by a default.
public enum Answer: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The canonical spelling of the answer's equality class.
    case value(String)
    /// Nothing could be read.
    case unparsed

    /// The canonical spelling; `nil` if nothing could be read.
    public var value: String? {
        if case .value(let value) = self { value } else { nil }
    }

    /// Whether an answer could be read.
    public var isParsed: Bool { self != .unparsed }

    /// The canonical spelling, or `unparsed`.
    public var description: String { value ?? "unparsed" }
}

/// What kind of answer is expected, and how to read it from a text: extract, then normalise.
///
/// The rules are the same for every format: an answer in `\boxed{…}` counts first (the last one, if there are
/// several), then one behind a marker such as “The answer is” or “####” (the last that can be read), and only then
/// what the text as a whole shows beyond doubt.
public struct AnswerFormat: Sendable, CustomStringConvertible {
    /// What is expected, as it reads in a trace.
    public let description: String
    private let extract: @Sendable (String) -> String?

    /// Makes a format of the program's own.
    ///
    /// - Parameter extract: returns the canonical spelling of the answer in a text, or `nil` if there is none.
    public init(_ description: String, extract: @escaping @Sendable (String) -> String?) {
        self.description = description
        self.extract = extract
    }

    /// The answer in a text.
    public func answer(in text: String) -> Answer {
        guard let value = extract(text), !value.isEmpty else { return .unparsed }
        return .value(value)
    }
}

extension AnswerFormat {
    /// Any text; texts are the same answer if they differ only in case, punctuation, articles and white space.
    public static let freeText = AnswerFormat("free text") { text in
        for candidate in AnswerText.candidates(in: text) {
            let normal = AnswerText.normalized(candidate)
            if !normal.isEmpty { return normal }
        }
        return AnswerText.normalized(text)
    }

    /// A number.
    public static let numeric = numeric(percent: .stripped)

    /// How a percent sign is read.
    public enum PercentReading: Hashable, Sendable {
        /// `50 %` is 50, as in answers to “how many per cent”.
        case stripped
        /// `50 %` is one half.
        case fraction
    }

    /// A number: sign, decimals, thousands separators, fractions, mixed numbers, powers, LaTeX, percent.
    ///
    /// Numbers are compared exactly, as rational numbers: `0.5`, `1/2` and `\frac{1}{2}` are the same answer. Units
    /// and currencies are left out.
    public static func numeric(percent: PercentReading) -> AnswerFormat {
        AnswerFormat("a number") { text in
            for candidate in AnswerText.candidates(in: text) {
                let scanner = NumberScanner(candidate, percent: percent)
                if let number = scanner.result() { return number.description }
            }
            return NumberScanner(text, percent: percent).last()?.description
        }
    }

    /// One of several letters.
    ///
    /// A letter counts if it stands alone, is marked as the answer, or is the only one in the last line; the article
    /// “A” and the pronoun “I” are not letters of a choice.
    public static func choice(_ letters: ClosedRange<Character>) -> AnswerFormat {
        let first = letters.lowerBound.unicodeScalars.first?.value ?? 65
        let last = letters.upperBound.unicodeScalars.first?.value ?? 65
        let scalars = (min(first, last)...last).compactMap(Unicode.Scalar.init)
        let options = scalars.map { String(Character($0)).uppercased() }
        return AnswerFormat("a choice from \(letters.lowerBound) to \(letters.upperBound)") { text in
            ChoiceReader(letters: Set(options.compactMap(\.first))).read(text).map(String.init)
        }
    }

    /// Yes or no; `true` and `false` are read likewise.
    public static let yesNo = yesNo(in: .english)

    /// Yes or no, also by the words of another language: `ja` of ``Wording/german`` is the answer `yes`.
    public static func yesNo(in wording: Wording) -> AnswerFormat {
        AnswerFormat("yes or no") { YesNoReader(wording).read($0) }
    }

    /// One of several labels, of one or more words.
    ///
    /// A text that names more than one label without marking one as the answer is unparsed.
    public static func label(_ labels: [String]) -> AnswerFormat {
        AnswerFormat("one of \(labels.joined(separator: ", "))") { LabelReader(labels: labels).read($0) }
    }

    /// One of several labels, of one or more words.
    public static func label(_ labels: String...) -> AnswerFormat { label(labels) }
}
