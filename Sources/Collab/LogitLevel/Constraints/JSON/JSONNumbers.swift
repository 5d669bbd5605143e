/// Numbers of JSON within bounds, as patterns over their digits.
enum JSONNumbers {
    typealias Pattern = Grammar.Pattern

    /// How many digits a whole number without bounds has at most: as many as always fit 64 bits.
    private static let wholeDigits = 18
    /// How many digits a number has at most before the point and after it.
    private static let digits = 15

    private static let digit = Pattern.scalar(.digits)
    private static let impossible = Pattern.choice([])

    private static func digit(_ range: ClosedRange<Int>) -> Pattern {
        .scalar(ScalarSet([UInt32(48 + range.lowerBound)...UInt32(48 + range.upperBound)]))
    }

    // MARK: Whole numbers

    /// A whole number between two; no `-0`.
    static func integer(least: Int64?, most: Int64?) throws(CollabError) -> Pattern {
        if least == nil, most == nil {
            return .choice([
                .text("0"),
                .sequence([.optional(.text("-")), digit(1...9), .repeated(digit, 0...wholeDigits - 1)]),
            ])
        }
        let limit: Int64 = 999_999_999_999_999_999
        let low = least ?? min(-limit, most ?? 0)
        let high = most ?? max(limit, low)
        guard low <= high else {
            throw CollabError(.invalidConstraint, "There is no whole number from \(low) to \(high).")
        }
        var parts: [Pattern] = []
        if high >= 0 { parts += magnitudes(UInt64(max(low, 0)), UInt64(high)) }
        if low < 0 {
            let negative = magnitudes(min(high, -1).magnitude, low.magnitude)
            parts.append(.sequence([.text("-"), .choice(negative)]))
        }
        return .choice(parts)
    }

    /// Whole numbers between two, for each length.
    private static func magnitudes(_ low: UInt64, _ high: UInt64) -> [Pattern] {
        var parts: [Pattern] = []
        var first = low
        while first <= high {
            let text = Array("\(first)".utf8)
            // The last number of as many digits.
            let last = UInt64(String(repeating: "9", count: text.count)) ?? .max
            let end = min(last, high)
            parts.append(between(text[...], Array("\(end)".utf8)[...]))
            if end == .max { break }
            first = end + 1
        }
        return parts
    }

    /// Digits between two rows of equal length.
    private static func between(_ low: ArraySlice<UInt8>, _ high: ArraySlice<UInt8>) -> Pattern {
        guard let first = low.first, let last = high.first else { return .nothing }
        // Any digits: without this the two ends would be told apart at every place, and the pattern double each time.
        if low.allSatisfy({ $0 == 48 }), high.allSatisfy({ $0 == 57 }) {
            return .repetition(digit, least: low.count, most: low.count)
        }
        let (a, b) = (Int(first) - 48, Int(last) - 48)
        let (restLow, restHigh) = (low.dropFirst(), high.dropFirst())
        if a == b { return .sequence([digit(a...a), between(restLow, restHigh)]) }
        let count = restLow.count
        let (zeros, nines) = ([UInt8](repeating: 48, count: count), [UInt8](repeating: 57, count: count))
        var parts: [Pattern] = [
            .sequence([digit(a...a), between(restLow, nines[...])]),
            .sequence([digit(b...b), between(zeros[...], restHigh)]),
        ]
        if b - a > 1 {
            parts.append(.sequence([digit(a + 1...b - 1), .repetition(digit, least: count, most: count)]))
        }
        return .choice(parts)
    }

    // MARK: Numbers

    /// A number within bounds; no `-0`.
    static func number(_ bounds: JSONSchema.NumberBounds) throws(CollabError) -> Pattern {
        if bounds.least == nil, bounds.most == nil {
            let exponent = Pattern.sequence([
                .scalar(ScalarSet("eE")), .optional(.scalar(ScalarSet("+-"))), .repeated(digit, 1...2),
            ])
            let fraction = Pattern.sequence([.text("."), .repeated(digit, 1...digits)])
            return .sequence([
                .optional(.text("-")),
                .choice([.text("0"), .sequence([digit(1...9), .repeated(digit, 0...digits - 1)])]),
                .optional(fraction), .optional(exponent),
            ])
        }
        if let least = bounds.least, let most = bounds.most,
            least > most || least == most && (bounds.excludesLeast || bounds.excludesMost)
        {
            throw CollabError(
                .invalidConstraint,
                "There is no number within the bounds \(least) and \(most)."
            )
        }
        let low = try DecimalBound(bounds.least, isExcluded: bounds.excludesLeast, else: -1)
        let high = try DecimalBound(bounds.most, isExcluded: bounds.excludesMost, else: 1)
        let zero = DecimalBound(whole: 0, fraction: [], isNegative: false, isExcluded: false)
        // Who reads the number rounds it, mostly to a Double, which tells fifteen digits apart. A longer number next to a
        // bound that is left out could become that bound.
        let widths = [low, high].filter(\.isExcluded).map { $0.whole == 0 ? 0 : "\($0.whole)".count }
        let places = max(digits - (widths.max() ?? 0), 1)
        var parts: [Pattern] = []
        if !high.isNegative { parts.append(magnitude(low.isNegative ? zero : low, high, places)) }
        if low.isNegative {
            var nearest = high.isNegative ? high : zero
            if !high.isNegative { nearest.isExcluded = true }
            parts.append(.sequence([.text("-"), magnitude(nearest, low, places)]))
        }
        return .choice(parts)
    }

    /// Decimal numbers between two that are not negative, with so many digits after the point.
    private static func magnitude(_ low: DecimalBound, _ high: DecimalBound, _ places: Int) -> Pattern {
        func fractions(above low: DecimalBound?, below high: DecimalBound?) -> Pattern {
            Fractions(above: low, below: high, places).pattern
        }
        if low.whole > high.whole { return impossible }
        if low.whole == high.whole {
            return .sequence([.text("\(low.whole)"), fractions(above: low, below: high.limit)])
        }
        var parts: [Pattern] = [
            .sequence([.text("\(low.whole)"), fractions(above: low, below: nil)]),
            .sequence([.text("\(high.whole)"), fractions(above: nil, below: high.limit)]),
        ]
        if low.whole + 1 < high.whole {
            let whole = Pattern.choice(magnitudes(low.whole + 1, high.whole - 1))
            parts.append(.sequence([whole, fractions(above: nil, below: nil)]))
        }
        return .choice(parts)
    }

    /// What may come after the whole part of a number.
    private struct Fractions {
        let low: DecimalBound?
        let high: DecimalBound?
        /// How many digits the bounds have.
        let length: Int
        /// How many digits there may be, unless a bound has more.
        let places: Int

        init(above low: DecimalBound?, below high: DecimalBound?, _ places: Int) {
            self.low = low
            self.high = high
            self.places = places
            length = max(low?.fraction.count ?? 0, high?.fraction.count ?? 0)
        }

        var pattern: Pattern {
            let point = Pattern.sequence([
                .text("."), digits(at: 0, isLow: low != nil, isHigh: high != nil, isFirst: true),
            ])
            return canEnd(at: 0, isLow: low != nil, isHigh: high != nil) ? .optional(point) : point
        }

        /// The digits from a place on.
        ///
        /// - Parameters:
        ///   - isLow: Whether all digits before are those of the lower bound.
        ///   - isHigh: Whether all digits before are those of the upper bound.
        ///   - isFirst: Whether there must be a digit.
        private func digits(at place: Int, isLow: Bool, isHigh: Bool, isFirst: Bool = false) -> Pattern {
            let count = (isFirst ? 1 : 0)...max(places - place, isFirst ? 1 : 0)
            if !isLow, !isHigh { return .repeated(JSONNumbers.digit, count) }
            if place >= length {
                if isHigh {
                    let isPossible = canEnd(at: place, isLow: isLow, isHigh: true)
                    return isPossible ? .repeated(.text("0"), count) : JSONNumbers.impossible
                }
                if canEnd(at: place, isLow: true, isHigh: false) {
                    return .repeated(JSONNumbers.digit, count)
                }
                return Self.positive(count.upperBound)
            }
            let least = isLow ? low?.digit(at: place) ?? 0 : 0
            let largest = isHigh ? high?.digit(at: place) ?? 9 : 9
            var parts: [Pattern] = []
            if !isFirst, canEnd(at: place, isLow: isLow, isHigh: isHigh) { parts.append(.nothing) }
            for value in least...max(least, largest) where value <= largest {
                let next = digits(
                    at: place + 1,
                    isLow: isLow && value == least,
                    isHigh: isHigh && value == largest
                )
                parts.append(.sequence([JSONNumbers.digit(value...value), next]))
            }
            return .choice(parts)
        }

        /// At most so many digits that are not all 0.
        private static func positive(_ most: Int) -> Pattern {
            let first = JSONNumbers.digit(1...9)
            if most <= 1 { return first }
            return .choice([
                .sequence([.text("0"), positive(most - 1)]),
                .sequence([first, .repeated(JSONNumbers.digit, 0...most - 1)]),
            ])
        }

        /// Whether the number may end before a digit.
        private func canEnd(at place: Int, isLow: Bool, isHigh: Bool) -> Bool {
            if isLow, let low, low.hasDigits(from: place) || low.isExcluded { return false }
            if isHigh, let high, !high.hasDigits(from: place), high.isExcluded { return false }
            return true
        }
    }
}

/// A bound of a number by its digits.
struct DecimalBound {
    /// The whole part of its magnitude.
    var whole: UInt64
    /// The digits after the point, the last of which is not 0.
    var fraction: [Int]
    var isNegative: Bool
    /// Whether the bound itself is left out.
    var isExcluded: Bool
    /// Whether it stands for none, so that its whole part is the largest that can be written.
    var isOpen = false

    /// The bound as one of the digits after the point.
    fileprivate var limit: DecimalBound? { isOpen ? nil : self }

    init(whole: UInt64, fraction: [Int], isNegative: Bool, isExcluded: Bool) {
        self.whole = whole
        self.fraction = fraction
        self.isNegative = isNegative
        self.isExcluded = isExcluded
    }

    /// The digits of a number as it is printed; without a number the largest of a sign.
    ///
    /// Throws ``CollabError/Code/unsupported`` for a number of more than fifteen digits before the point or thirty after.
    init(_ value: Double?, isExcluded: Bool, else sign: Int) throws(CollabError) {
        let largest: UInt64 = 999_999_999_999_999
        if let value, value.isNaN {
            throw CollabError(.invalidConstraint, "A bound of a number is no number.")
        }
        guard let value, value.magnitude <= Double(largest) || (value < 0) == (sign > 0) else {
            self.init(whole: largest, fraction: [], isNegative: sign < 0, isExcluded: false)
            isOpen = true
            return
        }
        var parts = "\(value.magnitude)".split(separator: "e")
        let exponent = parts.count > 1 ? Int(parts.removeLast()) ?? 0 : 0
        let sides = (parts.first ?? "0").split(separator: ".")
        var digits = sides.joined(separator: "").utf8.map { Int($0) - 48 }
        var point = (sides.first?.count ?? 0) + exponent
        if point < 0 {
            digits.insert(contentsOf: [Int](repeating: 0, count: -point), at: 0)
            point = 0
        }
        while digits.count < point { digits.append(0) }
        while digits.count > point, digits.last == 0 { digits.removeLast() }
        let whole = point == 0 ? 0 : UInt64(digits[..<point].map { "\($0)" }.joined()) ?? .max
        guard value.isFinite, whole <= largest, digits.count - point <= 30 else {
            throw CollabError(
                .unsupported,
                "The bound \(value) of a number has too many digits; use one of at most fifteen, or none."
            )
        }
        self.init(
            whole: whole,
            fraction: Array(digits[point...]),
            isNegative: value < 0,
            isExcluded: isExcluded
        )
    }

    func digit(at place: Int) -> Int { place < fraction.count ? fraction[place] : 0 }

    func hasDigits(from place: Int) -> Bool { place < fraction.count }
}
