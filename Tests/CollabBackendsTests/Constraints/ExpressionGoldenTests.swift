import Collab
import Foundation
import Testing

/// Random expressions, and which texts Python's `re.fullmatch` says they match; `Scripts/fixtures/make_constraints.py`
/// makes them. The variable `COLLAB_EXPRESSIONS` names a larger file to compare with.
@Suite("Regular expressions against Python's")
struct ExpressionGoldenTests {
    private struct Case: Decodable {
        var expression: String
        var matching: [String]
        var others: [String]
    }

    @Test("texts are allowed exactly where re.fullmatch matches them")
    func matching() throws {
        let file =
            ProcessInfo.processInfo.environment["COLLAB_EXPRESSIONS"]
            ?? fixture("constraints/expressions.json").path
        let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: URL(filePath: file)))
        #expect(cases.count >= 300)
        for entry in cases {
            let constraint = try Constraint.regularExpression(entry.expression)
            for text in entry.matching {
                #expect(try constraint.allows(text), "\(entry.expression) matches \(text.debugDescription)")
            }
            for text in entry.others {
                #expect(
                    try !constraint.allows(text),
                    "\(entry.expression) does not match \(text.debugDescription)"
                )
            }
        }
    }
}
