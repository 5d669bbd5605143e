import Collab

/// A format specification as Python's `format(value, specification)` reads it:
/// `[[fill]align][sign][z][#][0][width][grouping][.precision][type]`.
///
/// Source: the “Format Specification Mini-Language” of Python's library reference.
struct TemplateFormatSpecification {
    private(set) var fill: Unicode.Scalar = " "
    /// One of `<`, `>`, `=` and `^`; `nil` where the type decides.
    private(set) var alignment: Unicode.Scalar?
    /// One of `+`, `-` and a space.
    private(set) var sign: Unicode.Scalar?
    private(set) var dropsSignOfZero = false
    private(set) var isAlternate = false
    /// Characters at least.
    private(set) var width = 0
    /// `,` or `_`, which stands between groups of digits.
    private(set) var grouping: Unicode.Scalar?
    private(set) var precision: Int?
    private(set) var type: Unicode.Scalar?

    /// - Parameter isNumber: numbers are padded with zeros behind their sign, text is not.
    init(parsing text: String, isNumber: Bool, _ evaluator: TemplateEvaluator) throws(CollabError) {
        var rest = text.unicodeScalars[...]
        func invalid() -> CollabError {
            evaluator.failure("“\(text.prefix(40))” is no format specification")
        }
        func take(_ wanted: Unicode.Scalar) -> Bool {
            guard rest.first == wanted else { return false }
            rest.removeFirst()
            return true
        }
        func takeNumber() -> Int? {
            var number: Int?
            while let digit = rest.first, ("0"..."9").contains(digit) {
                let (tens, overflow) = (number ?? 0).multipliedReportingOverflow(by: 10)
                // What is beyond all bounds is refused for its length.
                number = overflow ? .max : tens.addingClamped(Int(digit.value - 48))
                rest.removeFirst()
            }
            return number
        }
        let alignments: Set<Unicode.Scalar> = ["<", ">", "=", "^"]
        var hasFill = false
        if let second = rest.dropFirst().first, alignments.contains(second) {
            fill = rest.removeFirst()
            hasFill = true
        }
        if let first = rest.first, alignments.contains(first) { alignment = rest.removeFirst() }
        if let first = rest.first, ["+", "-", " "].contains(first) { sign = rest.removeFirst() }
        dropsSignOfZero = take("z")
        isAlternate = take("#")
        if !hasFill, take("0") {
            fill = "0"
            if isNumber { alignment = alignment ?? "=" }
        }
        width = takeNumber() ?? 0
        if take(",") { grouping = "," }
        if take("_") {
            guard grouping == nil else { throw invalid() }
            grouping = "_"
        }
        if take(".") {
            guard let digits = takeNumber() else { throw invalid() }
            precision = digits
        }
        type = rest.popFirst()
        guard rest.isEmpty else { throw invalid() }
        try checkGrouping(isNumber: isNumber, evaluator)
    }

    private func checkGrouping(isNumber: Bool, _ evaluator: TemplateEvaluator) throws(CollabError) {
        guard let grouping else { return }
        let isDecimal = isNumber && (type.map { "defgEFG%".unicodeScalars.contains($0) } ?? true)
        let isBinary = type.map { "boxX".unicodeScalars.contains($0) } ?? false
        guard isDecimal || (isBinary && grouping == "_") else {
            throw evaluator.failure("“\(grouping)” does not go with this type of a format specification")
        }
    }

    // MARK: Text

    /// A text cut to the precision and padded to the width.
    func formatted(_ text: String, _ evaluator: TemplateEvaluator) throws(CollabError) -> String {
        guard type ?? "s" == "s", sign == nil, !isAlternate, !dropsSignOfZero, alignment != "=" else {
            throw evaluator.failure("a text is formatted with a specification that is for numbers")
        }
        let text = precision.map { String(text.unicodeScalars.prefix($0)) } ?? text
        let missing = try missing(text.unicodeScalars.count, evaluator)
        return padded(text, missing, alignment ?? "<")
    }

    /// How many fills are missing to the width, which have been counted.
    private func missing(_ count: Int, _ evaluator: TemplateEvaluator) throws(CollabError) -> Int {
        let missing = max(0, width - count)
        let (bytes, overflow) = missing.multipliedReportingOverflow(by: String(Character(fill)).utf8.count)
        try evaluator.reserve(text: overflow ? .max : bytes)
        return missing
    }

    private func padded(_ text: String, _ missing: Int, _ alignment: Unicode.Scalar) -> String {
        guard missing > 0 else { return text }
        let left = alignment == "<" ? 0 : alignment == "^" ? missing / 2 : missing
        let fill = String(Character(fill))
        return String(repeating: fill, count: left) + text + String(repeating: fill, count: missing - left)
    }

    // MARK: Numbers

    /// A number of these parts with its digits grouped, padded to the width.
    ///
    /// - Parameters:
    ///   - digits: before the point; empty for what has none, such as an infinity.
    ///   - remainder: all that comes after them.
    func layOut(
        isNegative: Bool,
        prefix: String = "",
        digits: String,
        remainder: String,
        _ evaluator: TemplateEvaluator
    ) throws(CollabError) -> String {
        let lead = (isNegative ? "-" : sign == "+" ? "+" : sign == " " ? " " : "") + prefix
        let others = lead.utf8.count + remainder.unicodeScalars.count
        let fillsZeros = fill == "0" && alignment == "="
        if fillsZeros { _ = try missing(others, evaluator) }
        let grouped = digits.isEmpty ? "" : grouped(digits, atLeast: fillsZeros ? width - others : 0)
        try evaluator.reserve(text: grouped.utf8.count + lead.utf8.count + remainder.utf8.count)
        let missing = try missing(others + grouped.utf8.count, evaluator)
        if alignment == "=" { return lead + padded(grouped + remainder, missing, ">") }
        return padded(lead + grouped + remainder, missing, alignment ?? ">")
    }

    /// Digits with a separator between groups, with zeros before them up to a width that counts the separators.
    private func grouped(_ digits: String, atLeast width: Int) -> String {
        func zeros(_ count: Int) -> String { String(repeating: "0", count: max(0, count)) }
        guard let grouping else { return zeros(width - digits.utf8.count) + digits }
        let separator = String(Character(grouping))
        let size = type.map { "boxX".unicodeScalars.contains($0) } ?? false ? 4 : 3
        // As few digits as reach the width with what stands between them; no separator comes first, so they may be one
        // more.
        let (groups, rest) = max(0, width).quotientAndRemainder(dividingBy: size + 1)
        let count = max(digits.utf8.count, width - groups + (width > 0 && rest == 0 ? 1 : 0))
        // The groups that hold digits, one by one, and before them zeros alone.
        let low = min(count, (digits.utf8.count + size - 1) / size * size)
        let padded = Array((zeros(low - digits.utf8.count) + digits).utf8)
        let head = (low - 1) % size + 1
        var result = String(decoding: padded[..<head], as: UTF8.self)
        for start in stride(from: head, to: low, by: size) {
            result += separator + String(decoding: padded[start..<start + size], as: UTF8.self)
        }
        let high = count - low
        guard high > 0 else { return result }
        let first = (high - 1) % size + 1
        return zeros(first) + String(repeating: separator + zeros(size), count: (high - first) / size)
            + separator
            + result
    }
}

extension Int {
    /// The sum, or the greatest number where it is beyond.
    fileprivate func addingClamped(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
