import Testing

@testable import Collab

@Suite("Regular expressions of constraints")
struct RegularExpressionTests {
    @Test(
        "what no automaton can do is refused with its place",
        arguments: [
            ("a(?=b)", 1), ("(a)\\1", 3), ("a\\b", 1), ("(?i)a", 0), ("a++", 2), ("a^b", 1), ("a$b", 2),
            ("(a$)", 2),
            ("\\p{L}", 0), ("(?P=x)", 0), ("(?>a)", 0), ("a{1,20000}", 1), ("\\01", 0),
        ]
    )
    func unsupported(_ source: String, _ place: Int) {
        let error = #expect(throws: CollabError.self) { try Constraint.regularExpression(source) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("position \(place)") == true, "\(error?.message ?? "")")
    }

    @Test(
        "what is malformed is refused with its place",
        arguments: [
            ("a(b", 1), ("ab)", 2), ("[a", 0), ("*a", 0), ("a**", 2), ("a{3,2}", 1), ("\\", 0), ("[b-a]", 1),
            ("[\\d-a]", 1), ("\\xZZ", 0), ("\\ud800", 0), ("\\q", 0), ("{2}", 0), ("a{2}{3}", 4),
            ("(?<name", 0),
        ]
    )
    func malformed(_ source: String, _ place: Int) {
        let error = #expect(throws: CollabError.self) { try Constraint.regularExpression(source) }
        #expect(error?.code == .invalidConstraint)
        #expect(error?.message.contains("position \(place)") == true, "\(error?.message ?? "")")
    }

    @Test("braces without a number are text", arguments: ["a{},}", "a{},5}", "a{}", "a{", "a{,"])
    func braces(_ source: String) throws {
        let constraint = try Constraint.regularExpression(source)
        #expect(try constraint.allows(source))
        #expect(try !constraint.allows("a") && !constraint.allows("aa") && !constraint.allows(""))
    }

    @Test("groups nested without end are refused, not followed")
    func deep() {
        let source = String(repeating: "(", count: 100_000) + String(repeating: ")", count: 100_000)
        #expect(throws: CollabError.self) { try Constraint.regularExpression(source) }
    }

    @Test("anchors at the ends are implied, and others matter where an expression is searched for")
    func anchors() throws {
        for source in ["ab", "^ab", "ab$", "^ab$", "\\Aab\\Z"] {
            let constraint = try Constraint.regularExpression(source)
            #expect(try constraint.allows("ab") && !constraint.allows("xab") && !constraint.allows("ab\n"))
        }
        func finds(_ source: String, _ text: String) throws -> Bool {
            try Constraint("search", Grammar(RegularExpression(source).somewhere(in: .all))).allows(text)
        }
        #expect(try finds("b|^c", "abc") && finds("b|^c", "ca") && !finds("b|^c", "ac"))
        #expect(try finds("a$", "ba") && !finds("a$", "ab") && finds("", "x"))
    }
}
