import Collab
import CollabBackends
import Testing

@Suite("Bounds of numbers in JSON schemas")
struct SchemaBoundTests {
    private static let cases: [(String, @Sendable (Double) -> Bool)] = [
        (#""exclusiveMinimum":0"#, { $0 > 0 }), (#""exclusiveMaximum":0"#, { $0 < 0 }),
        (#""minimum":0,"maximum":0"#, { $0 == 0 }),
        (#""minimum":-1,"exclusiveMaximum":1"#, { $0 >= -1 && $0 < 1 }),
        (#""exclusiveMinimum":-1.5,"exclusiveMaximum":-0.25"#, { $0 > -1.5 && $0 < -0.25 }),
        (#""minimum":2,"exclusiveMinimum":1"#, { $0 >= 2 }),
        (#""minimum":1,"exclusiveMinimum":2"#, { $0 > 2 }),
        (#""minimum":2,"exclusiveMinimum":2"#, { $0 > 2 }),
        (#""maximum":2,"exclusiveMaximum":3.5"#, { $0 <= 2 }),
        // As draft 4 has them.
        (#""minimum":1,"exclusiveMinimum":true"#, { $0 > 1 }),
        (#""minimum":1,"exclusiveMinimum":false"#, { $0 >= 1 }),
        (
            #""minimum":-2,"exclusiveMinimum":true,"maximum":2.5,"exclusiveMaximum":true"#,
            { $0 > -2 && $0 < 2.5 }
        ),
        (#""exclusiveMaximum":false"#, { _ in true }),
    ]

    @Test("every short numeral is allowed exactly within them", arguments: cases)
    func numerals(_ keywords: String, _ isWithin: @Sendable (Double) -> Bool) throws {
        let number = try Constraint.json(JSONSchema(parsing: "{\"type\":\"number\",\(keywords)}"))
        let whole = try Constraint.json(JSONSchema(parsing: "{\"type\":\"integer\",\(keywords)}"))
        let isFree = keywords == #""exclusiveMaximum":false"#
        for hundredths in -400...400 {
            let sign = hundredths < 0 ? "-" : ""
            let (left, right) = (hundredths.magnitude / 100, hundredths.magnitude % 100)
            let value = Double(hundredths) / 100
            var texts = ["\(sign)\(left).\(right < 10 ? "0" : "")\(right)"]
            if right % 10 == 0 { texts.append("\(sign)\(left).\(right / 10)") }
            for text in texts { #expect(try number.allows(text) == isWithin(value), "\(keywords): \(text)") }
            guard right == 0 else { continue }
            let text = "\(sign)\(left)"
            #expect(try number.allows(text) == isWithin(value), "\(keywords): \(text)")
            #expect(try whole.allows(text) == isWithin(value), "\(keywords): \(text)")
        }
        for text in ["-0", "-0.0", "-0.00"] {
            #expect(try number.allows(text) == isFree && !whole.allows(text), "\(keywords): \(text)")
        }
    }

    @Test("those of whole numbers are kept exactly, up to the ends of 64 bits")
    func large() throws {
        func constraint(_ keywords: String) throws -> Constraint {
            try .json(JSONSchema(parsing: "{\"type\":\"integer\",\(keywords)}"))
        }
        let signed = try constraint(#""minimum":-9223372036854775808,"maximum":9223372036854775807"#)
        #expect(try signed.allows("-9223372036854775808") && signed.allows("9223372036854775807"))
        #expect(try !signed.allows("9223372036854775808"))
        let unsigned = try constraint(#""minimum":0,"maximum":18446744073709551615"#)
        #expect(try unsigned.allows("9223372036854775807") && !unsigned.allows("-1"))
        let odd = try constraint(#""exclusiveMinimum":9007199254740992,"exclusiveMaximum":9007199254740994"#)
        #expect(try odd.allows("9007199254740993"))
        #expect(try !odd.allows("9007199254740992") && !odd.allows("9007199254740994"))
        #expect(throws: CollabError.self) { try constraint(#""exclusiveMinimum":9223372036854775807"#) }
        #expect(throws: CollabError.self) { try constraint(#""minimum":1e20"#) }
    }

    @Test("a truth value without the bound that it is about is refused")
    func alone() {
        let error = #expect(throws: CollabError.self) {
            try JSONSchema(parsing: #"{"type":"number","maximum":3,"exclusiveMinimum":true}"#)
        }
        #expect(error?.code == .invalidConstraint && error?.message.contains("exclusiveMinimum") == true)
    }
}
