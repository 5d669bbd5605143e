/// Groups of digits in a text that may be one number: `4111 1111-1111 1111`.
///
/// Digits of any script count by their value, and the separators that people and typesetters put between groups are
/// skipped: spaces of all widths, hyphens and dashes, dots, slashes, brackets.
struct DigitRuns {
    /// Digits that touch each other.
    struct Group {
        var digits: [Int]
        /// Scalar offsets.
        var range: Range<Int>
        /// What stands between it and the group before; empty for the first of a run.
        var separator: String
    }

    let text: String
    let scalars: [Unicode.Scalar]
    let indices: [String.Index]

    init(_ text: String) {
        self.text = text
        scalars = Array(text.unicodeScalars)
        indices = Array(text.unicodeScalars.indices) + [text.endIndex]
    }

    /// A range of the text.
    func range(_ offsets: Range<Int>) -> Range<String.Index> {
        indices[offsets.lowerBound]..<indices[offsets.upperBound]
    }

    static func digit(_ scalar: Unicode.Scalar) -> Int? {
        if scalar.isASCII { return scalar.value >= 48 && scalar.value <= 57 ? Int(scalar.value) - 48 : nil }
        guard scalar.properties.numericType == .decimal, let value = scalar.properties.numericValue else {
            return nil
        }
        return Int(value)
    }

    static func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
        "-./()‐‑‒–—−·\u{200b}\u{2060}\u{feff}\u{ad}".unicodeScalars.contains(scalar)
            || (scalar.properties.isWhitespace && scalar != "\n" && scalar != "\r")
    }

    static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || digit(scalar) != nil || scalar == "_"
    }

    /// Whether what touches it belongs to the same word. Chinese, Japanese, Korean, Thai and their like set numbers
    /// between letters without a space.
    static func joinsWords(_ scalar: Unicode.Scalar) -> Bool {
        guard isWord(scalar) else { return false }
        switch scalar.value {
        case 0x0E00...0x0EFF, 0x1000...0x11FF, 0x1780...0x17FF, 0x2E80...0x2FDF, 0x3005...0x3007,
            0x3040...0x318F, 0x31F0...0x31FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA960...0xA97F,
            0xAC00...0xD7FF, 0xF900...0xFAFF, 0x20000...0x3FFFF:
            return digit(scalar) != nil
        default: return true
        }
    }

    /// The runs: groups with at most three separators between them. A digit that touches a letter belongs to a word,
    /// not to a number, so it begins no run.
    func runs() -> [[Group]] {
        var runs: [[Group]] = []
        var run: [Group] = []
        var index = 0
        func flush() {
            if !run.isEmpty { runs.append(run) }
            run = []
        }
        while index < scalars.count {
            guard Self.digit(scalars[index]) != nil else {
                index += 1
                continue
            }
            let start = index
            var digits: [Int] = []
            while index < scalars.count, let digit = Self.digit(scalars[index]) {
                digits.append(digit)
                index += 1
            }
            let touches =
                (start > 0 && Self.joinsWords(scalars[start - 1]))
                || (index < scalars.count && Self.joinsWords(scalars[index]))
            if touches {
                flush()
                continue
            }
            var separator = ""
            if let last = run.last {
                let between = scalars[last.range.upperBound..<start]
                if between.count <= 3, between.allSatisfy(Self.isSeparator) {
                    separator = String(String.UnicodeScalarView(between))
                } else {
                    flush()
                }
            }
            run.append(Group(digits: digits, range: start..<index, separator: separator))
        }
        flush()
        return runs
    }

    /// The stretches of neighbouring groups that a closure takes for a number of its kind, longest and leftmost first.
    func numbers(
        _ lengths: ClosedRange<Int>,
        where holds: (_ digits: [Int], _ groups: ArraySlice<Group>) -> Bool
    ) -> [Range<Int>] {
        var found: [Range<Int>] = []
        for run in runs() {
            var first = 0
            while first < run.count {
                var match: Int?
                var digits: [Int] = []
                for last in first..<run.count {
                    digits += run[last].digits
                    if digits.count > lengths.upperBound { break }
                    if digits.count >= lengths.lowerBound, holds(digits, run[first...last]) { match = last }
                }
                if let match {
                    found.append(run[first].range.lowerBound..<run[match].range.upperBound)
                    first = match + 1
                } else {
                    first += 1
                }
            }
        }
        return found
    }
}

/// Check digits.
enum CheckDigits {
    /// The formula of Luhn (ISO/IEC 7812).
    static func luhn(_ digits: [Int]) -> Bool {
        var sum = 0
        for (place, digit) in digits.reversed().enumerated() {
            let doubled = place % 2 == 1 ? digit * 2 : digit
            sum += doubled > 9 ? doubled - 9 : doubled
        }
        return sum % 10 == 0
    }

    /// ISO 7064, MOD 11,10.
    static func mod11And10(_ digits: [Int]) -> Bool {
        var product = 10
        for digit in digits.dropLast() {
            let sum = (digit + product) % 10
            product = (sum == 0 ? 10 : sum) * 2 % 11
        }
        return (11 - product) % 10 == digits.last
    }

    /// The scheme of Verhoeff, in the dihedral group of ten elements.
    static func verhoeff(_ digits: [Int]) -> Bool {
        func product(_ left: Int, _ right: Int) -> Int {
            switch (left < 5, right < 5) {
            case (true, true): (left + right) % 5
            case (true, false): 5 + (left + right - 5) % 5
            case (false, true): 5 + (left - 5 + 5 - right) % 5
            case (false, false): (left - right + 5) % 5
            }
        }
        let permutation = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
        var check = 0
        for (place, digit) in digits.reversed().enumerated() {
            var permuted = digit
            for _ in 0..<(place % 8) { permuted = permutation[permuted] }
            check = product(check, permuted)
        }
        return check == 0
    }

    /// The remainder of a number of many digits.
    static func remainder(_ digits: some Sequence<Int>, by divisor: Int) -> Int {
        digits.reduce(0) { ($0 * 10 + $1) % divisor }
    }

    /// The sum of digits by their weights.
    static func weighted(_ digits: some Sequence<Int>, _ weights: some Sequence<Int>) -> Int {
        zip(digits, weights).reduce(0) { $0 + $1.0 * $1.1 }
    }
}
