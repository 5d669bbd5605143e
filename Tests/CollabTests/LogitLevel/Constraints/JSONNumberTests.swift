import Testing

@testable import Collab

@Suite("Numbers of constrained JSON")
struct JSONNumberTests {
    private static func constraint(_ form: JSONSchema.Form) throws -> Constraint {
        try .json(JSONSchema(form))
    }

    @Test(
        "whole numbers are allowed exactly within their bounds",
        arguments: [
            (0, 0), (0, 9), (-3, 12), (7, 1234), (-1000, -1), (98, 102), (-15, 0), (500, 500), (999, 1001),
            (-120, 1005),
        ] as [(Int64, Int64)]
    )
    func integers(_ least: Int64, _ most: Int64) throws {
        let constraint = try Self.constraint(.integer(least: least, most: most))
        for value in -1300...1300 as ClosedRange<Int64> {
            #expect(try constraint.allows("\(value)") == (least...most).contains(value), "\(value)")
        }
        for text in ["-0", "00", "01", "+1", "", "-", "1.0", "5e0"] { #expect(try !constraint.allows(text)) }
    }

    @Test("whole numbers at the ends of 64 bits")
    func extremes() throws {
        let all = try Self.constraint(.integer(least: .min, most: .max))
        #expect(try all.allows("9223372036854775807") && all.allows("-9223372036854775808"))
        #expect(try !all.allows("9223372036854775808") && !all.allows("-9223372036854775809"))
        let large = try Self.constraint(.integer(least: 1_000_000_000_000_000_000, most: nil))
        #expect(try large.allows("1000000000000000000") && !large.allows("999999999999999999"))
        let free = try Self.constraint(.integer(least: nil, most: nil))
        #expect(try free.allows("-999999999999999999") && !free.allows("1000000000000000000"))
        #expect(throws: CollabError.self) { try Self.constraint(.integer(least: 3, most: 2)) }
    }

    private static let bounds: [JSONSchema.NumberBounds] = [
        .init(least: 0.25, most: 0.75), .init(least: 0, most: 1, excludesLeast: true, excludesMost: true),
        .init(least: -1.05, most: 2.5), .init(least: -2.5, most: -0.3, excludesMost: true),
        .init(least: 0.3, most: 0.3), .init(least: 1.19, most: 1.21, excludesLeast: true),
        .init(least: 0, most: 0), .init(least: -0.5, excludesLeast: true), .init(most: 0.099),
        .init(least: 0.1, most: 0.123, excludesLeast: true, excludesMost: true), .init(least: -1, most: 1),
    ]

    @Test("numbers are allowed exactly within their bounds", arguments: bounds)
    func numbers(_ bounds: JSONSchema.NumberBounds) throws {
        let constraint = try Self.constraint(.number(bounds))
        for thousandths in -3000...3000 {
            for text in Self.spellings(thousandths) {
                let value = try #require(Double(text))
                let isAbove = bounds.least.map { bounds.excludesLeast ? value > $0 : value >= $0 } ?? true
                let isBelow = bounds.most.map { bounds.excludesMost ? value < $0 : value <= $0 } ?? true
                let isZero = value == 0 && text.hasPrefix("-")
                #expect(try constraint.allows(text) == (isAbove && isBelow && !isZero), "\(text)")
            }
        }
    }

    /// A number of thousandths with three decimals, with four, and as short as can be.
    private static func spellings(_ thousandths: Int) -> [String] {
        let sign = thousandths < 0 ? "-" : ""
        let fraction = "\(1000 + thousandths.magnitude % 1000)".dropFirst()
        let long = "\(sign)\(thousandths.magnitude / 1000).\(fraction)"
        var short = long
        while short.hasSuffix("0") { short.removeLast() }
        if short.hasSuffix(".") { short.removeLast() }
        return [long, long + "0", short]
    }

    @Test(
        "no number becomes a bound that is left out when it is rounded to a Double",
        arguments: [0.3, 1, 99.5, 100, 123_456.789, 999_999_999_999, 0.001, 5e-10]
    )
    func rounding(_ size: Double) throws {
        for (bound, sign) in [(size, ""), (-size, "-")] {
            let below = try Self.constraint(.number(.init(most: bound, excludesMost: true)))
            let above = try Self.constraint(.number(.init(least: bound, excludesLeast: true)))
            var allowed = 0
            for text in (1...24).flatMap({ Self.neighbours(of: size, $0) }).map({ sign + $0 }) {
                let number = try #require(Double(text))
                let (isBelow, isAbove) = (try below.allows(text), try above.allows(text))
                if isBelow { #expect(number < bound, "\(text)") }
                if isAbove { #expect(number > bound, "\(text)") }
                #expect(!isBelow || !isAbove, "\(text)")
                allowed += isBelow || isAbove ? 1 : 0
            }
            #expect(allowed > 0)
        }
    }

    /// Numbers just below and above another, told apart at the last of so many places after the point.
    private static func neighbours(of bound: Double, _ places: Int) -> [String] {
        let digits = Array("\(bound)".contains("e") ? "0.0000000005" : "\(bound)")
        guard let point = digits.firstIndex(of: ".") else { return [] }
        let kept = digits.count - point - 1
        guard places > kept else { return [] }
        let above = String(digits) + String(repeating: "0", count: places - kept - 1) + "1"
        // The digits less one in the last place, then nines.
        var borrowed = digits
        var place = digits.count - 1
        while borrowed[place] == "0" || borrowed[place] == "." {
            if borrowed[place] == "0" { borrowed[place] = "9" }
            place -= 1
        }
        borrowed[place] = Character("\((borrowed[place].wholeNumberValue ?? 1) - 1)")
        var below = String(borrowed) + String(repeating: "9", count: places - kept)
        while below.hasPrefix("0"), !below.hasPrefix("0.") { below.removeFirst() }
        return [above, below]
    }

    @Test("bounds between which there is nothing are refused")
    func contradictions() {
        for bounds in [
            JSONSchema.NumberBounds(least: 2, most: 1), .init(least: 1, most: 1, excludesLeast: true),
            .init(least: -0.5, most: -0.5, excludesMost: true),
        ] {
            let error = #expect(throws: CollabError.self) { try Self.constraint(.number(bounds)) }
            #expect(error?.code == .invalidConstraint)
        }
    }

    @Test("bounds that are no decimals of fifteen digits are refused, not rounded")
    func refusals() throws {
        for bounds in [
            JSONSchema.NumberBounds(least: 1e20), .init(least: .nan), .init(most: -1e20), .init(least: 1e-40),
        ] {
            #expect(throws: CollabError.self) { try Self.constraint(.number(bounds)) }
        }
        // An upper bound beyond all numbers that can be written is none.
        #expect(try Self.constraint(.number(.init(least: 0, most: 1e300))).allows("999999999999999.5"))
        #expect(try Self.constraint(.number(.init(least: 1e-7))).allows("0.0000001"))
        #expect(try !Self.constraint(.number(.init(least: 1e-7))).allows("0.00000009"))
    }
}
