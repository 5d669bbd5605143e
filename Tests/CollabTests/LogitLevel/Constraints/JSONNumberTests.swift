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
