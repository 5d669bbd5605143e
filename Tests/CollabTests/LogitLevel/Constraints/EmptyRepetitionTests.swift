import Testing

@testable import Collab

@Suite("Repetitions of what may be nothing")
struct EmptyRepetitionTests {
    /// Expressions with the texts of at most three letters that Python's `re.fullmatch` finds in them.
    private static let cases: [(String, [String])] = [
        ("(a*)*", ["", "a", "aa", "aaa"]), ("(a*)+", ["", "a", "aa", "aaa"]),
        ("(a+)*", ["", "a", "aa", "aaa"]), ("(()*)+", [""]), ("(()?){4}", [""]), ("(a*){0}", [""]),
        ("(a*){0,}", ["", "a", "aa", "aaa"]), ("((a?){2,3})*", ["", "a", "aa", "aaa"]),
        ("(|a)+b", ["b", "ab", "aab"]), ("(a|)*", ["", "a", "aa", "aaa"]),
        ("((a*)?b)*", ["", "b", "ab", "bb", "aab", "abb", "bab", "bbb"]),
        ("(a{0,2}){2}", ["", "a", "aa", "aaa"]), ("(()|a){3}", ["", "a", "aa", "aaa"]),
        ("(((a?)?)?){2}b?", ["", "a", "b", "aa", "ab", "aab"]), ("((){3,5}a)*", ["", "a", "aa", "aaa"]),
        ("(((a*)*)*)*b", ["b", "ab", "aab"]), ("(a??)*?b", ["b", "ab", "aab"]),
        ("(a{0}|b)+", ["", "b", "bb", "bbb"]), ("(a?|b?)*", texts), ("(a*b*)*", texts),
    ]
    private static let texts = [
        "", "a", "b", "aa", "ab", "ba", "bb", "aaa", "aab", "aba", "abb", "baa", "bab", "bba", "bbb",
    ]

    @Test("they match what they match in Python", arguments: cases)
    func matches(_ expression: String, _ wanted: [String]) throws {
        let constraint = try Constraint.regularExpression(expression)
        #expect(try Self.texts.filter { try constraint.allows($0) } == wanted)
    }

    @Test(
        "however often nothing is repeated, it is built in no time",
        .timeLimit(.minutes(1)),
        arguments: [
            "((((){10000}){10000}){10000}){10000}a", "((((){0,10000}){0,10000}){10000}){0,10000}a",
            "(((()*){10000}){10000}){10000}a", "((((|()){10000}){10000}){10000}){10000}a",
            "(((((a{0}){10000}){10000})+){10000}){10000}a",
        ]
    )
    func counted(_ expression: String) throws {
        let constraint = try Constraint.regularExpression(expression)
        #expect(try constraint.allows("a") && !constraint.allows("") && !constraint.allows("aa"))
    }
}
